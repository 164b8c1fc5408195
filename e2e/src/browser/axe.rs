//! axe-core's opinion of a page. All of its rules are asked, about colours in a shorter way: contrast is most
//! of its work, and it is the same for everything that is drawn alike.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Browser;

/// One of each kind of text on the page: of one colour, size and weight, on the same grounds. What a page
/// repeats a hundred times, a row or the navigation, is looked at once.
const KINDS: &str = "
    const drawn = new Map();
    const style = (e) => {
      if (!drawn.has(e)) {
        const s = getComputedStyle(e);
        const ground = s.backgroundColor === 'rgba(0, 0, 0, 0)' ? '' : s.backgroundColor;
        const faint = [s.opacity, s.backgroundImage, s.textShadow, s.filter, s.clipPath].join();
        drawn.set(e, { own: [s.color, s.fontSize, s.fontWeight].join(), below: [ground, faint].join() });
      }
      return drawn.get(e);
    };
    const speaks = (e) => e.matches('input, select, textarea')
      || [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());
    const kinds = new Map();
    for (const e of document.querySelectorAll('*')) {
      if (!speaks(e) || !e.checkVisibility({ visibilityProperty: true })) continue;
      const { width, height } = e.getBoundingClientRect();
      const kind = [style(e).own, width > 1 && height > 1, e.matches('input, select, textarea') && e.tagName + e.type,
        e.closest('dialog')?.tagName, e.closest(':disabled, [aria-disabled=true], [aria-hidden=true], [inert]')?.tagName];
      for (let at = e; at; at = at.parentElement) kind.push(style(at).below);
      if (!kinds.has(kind.join(';'))) kinds.set(kind.join(';'), e);
    }
    for (const e of kinds.values()) e.setAttribute('data-kind', '');";

impl Browser {
    /// What axe-core finds wrong with the page as it is: each rule with the elements it is about.
    pub fn axe(&self) -> Vec<String> {
        self.ask_axe(json!({}))
    }

    /// The same by the rules about colours alone, which a theme can break.
    pub fn axe_colours(&self) -> Vec<String> {
        self.ask_axe(json!({ "runOnly": ["color-contrast", "link-in-text-block"] }))
    }

    fn ask_axe(&self, mut options: Value) -> Vec<String> {
        // What is half way between two colours can be read by nobody.
        self.run("document.getAnimations().forEach((one) => one.finish())", json!([]));
        if self.run("return typeof axe", json!([])) == "undefined" {
            let script = std::fs::read_to_string(core()).expect("axe-core is readable");
            let contrast = "axe.configure({ rules: [{ id: 'color-contrast', selector: '[data-kind]' }] });";
            self.wait_for(self.engine.client.execute(&format!("{script};{contrast}"), Vec::new()));
        }
        options["resultTypes"] = json!(["violations"]);
        // The elements themselves are told, so nobody needs a way to find them.
        options["selectors"] = json!(false);
        let ask = "const [options, end] = arguments;
            const done = (said) => {
              for (const e of kinds.values()) e.removeAttribute('data-kind');
              end(said);
            };
            const node = (n) => n.html.slice(0, 160) + ' ' + n.failureSummary;
            const told = (v) => `${v.id}: ${v.help}: ${v.nodes.map(node).join(' | ')}`;
            axe.run(document, options).then((found) => done(found.violations.map(told)),
              (error) => done(['axe failed: ' + error]));";
        let found = self.wait_for(self.engine.client.execute_async(&format!("{KINDS}{ask}"), vec![options]));
        let found = found.as_array().expect("a list").iter();
        found.map(|fault| fault.as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// axe-core, where `script/browser` puts it: in the target directory.
fn core() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it runs");
    let target = test.ancestors().nth(3).expect("target/<profile>/deps/<test>");
    let axe = target.join("browser/node_modules/axe-core/axe.min.js");
    assert!(axe.is_file(), "no axe-core at {}: `script/browser` installs it", axe.display());
    axe
}
