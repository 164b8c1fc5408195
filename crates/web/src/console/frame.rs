//! What stands around every page: whose console it is, which account, where one can go from here, who
//! is signed in. A page's template extends `layout.html` and is given this as `frame`.

use std::borrow::Cow;

use domain::facts::Holder;
use domain::ids::AccountId;
use domain::permission::{
    INSTALLATIONS_READ, JOURNAL_READ, MEMBERS_READ, NODES_READ, POLICY_READ, PermissionSet, ROLES_READ,
};
use domain::policy::{Policy, Visibility};
use domain::preset::Preset;
use domain::time::Timestamp;
use domain::webhooks;
use domain::who::Caller;

use super::look::{Locale, Look};
use super::tongue::{About, Tongue};
use super::when;
use crate::api::House;
use crate::problem::Problem;

/// Around pages for whom nobody is signed in.
pub(crate) struct Bare<'a> {
    pub(crate) look: &'a Look,
    pub(crate) tongue: Tongue,
    /// The addresses of the style sheet, the script and the logo.
    pub(crate) style: &'a str,
    pub(crate) script: &'a str,
    pub(crate) logo: Option<&'a str>,
    pub(crate) icon: &'a str,
}

impl<'a> Bare<'a> {
    pub(crate) fn of(house: &'a House, tongue: Tongue) -> Bare<'a> {
        let assets = &house.assets;
        Bare {
            look: &house.look,
            tongue,
            style: &assets.style.path,
            script: &assets.script.path,
            icon: &assets.icon,
            logo: assets.logo.as_ref().map(|logo| logo.path.as_str()),
        }
    }

    pub(crate) fn say(&self, name: &str) -> Cow<'static, str> {
        self.tongue.say(name)
    }

    pub(crate) fn say_of<'t>(&self, name: &str, key: &str, about: impl Into<About<'t>>) -> Cow<'static, str> {
        self.tongue.say_of(name, &[(key, about.into())])
    }

    pub(crate) fn base(&self) -> &str {
        &self.look.base
    }

    pub(crate) fn lang(&self) -> &'static str {
        self.tongue.locale().tag()
    }
}

/// Around the pages of somebody who is signed in.
pub(crate) struct Frame<'a> {
    pub(crate) bare: Bare<'a>,
    pub(crate) caller: &'a Caller,
    pub(crate) here: Section,
    pub(crate) sections: Vec<Section>,
    /// The person runs the server.
    pub(crate) operator: bool,
    /// The other accounts that this person is a member of, by name. Each has a session of its own, so
    /// the way there may lead through signing in.
    pub(crate) accounts: Vec<(AccountId, String)>,
    /// How many tokens end so soon that the section is marked.
    pub(crate) marked: usize,
    /// What was just done, as the address says: the name of a sentence, and what it is about.
    pub(crate) said: Option<Cow<'static, str>>,
}

/// The parts of the console, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Tokens,
    Members,
    ServiceAccounts,
    Roles,
    Tree,
    Installations,
    Policy,
    Journal,
    Notices,
    Webhooks,
    Accounts,
    Inventory,
    Cluster,
    /// One's own page, which stands at one's name and not in the list.
    Me,
}

impl Section {
    const LISTED: [Section; 13] = [
        Section::Tokens,
        Section::Members,
        Section::ServiceAccounts,
        Section::Roles,
        Section::Tree,
        Section::Installations,
        Section::Policy,
        Section::Journal,
        Section::Notices,
        Section::Webhooks,
        Section::Accounts,
        Section::Inventory,
        Section::Cluster,
    ];

    /// The last part of its path; also the name of its icon and, after `nav-`, of its word.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Section::Tokens => "tokens",
            Section::Members => "members",
            Section::ServiceAccounts => "service-accounts",
            Section::Roles => "roles",
            Section::Tree => "tree",
            Section::Installations => "installations",
            Section::Policy => "policy",
            Section::Journal => "journal",
            Section::Notices => "notices",
            Section::Webhooks => "webhooks",
            Section::Accounts => "accounts",
            Section::Inventory => "inventory",
            Section::Cluster => "cluster",
            Section::Me => "me",
        }
    }

    pub(crate) fn is_for_operators(self) -> bool {
        matches!(self, Section::Accounts | Section::Inventory | Section::Cluster)
    }

    /// Whether somebody is shown the way there. The pages themselves ask the use cases, which refuse.
    fn is_open_to(self, caller: &Caller, operator: bool) -> bool {
        let may =
            |permission: PermissionSet| caller.rights(&domain::node::NodePath::root()).contains(permission);
        // Whoever looks after a part of the tree finds there what is theirs.
        let somewhere = |permission: PermissionSet| caller.has_somewhere(permission);
        match self {
            Section::Tokens | Section::Notices => {
                caller.manages() || caller.account.policy.visibility != Visibility::None
            }
            Section::Members | Section::ServiceAccounts => somewhere(MEMBERS_READ),
            Section::Roles => may(ROLES_READ),
            Section::Tree => caller.account.levels.len() > 1 && somewhere(NODES_READ),
            Section::Installations => somewhere(INSTALLATIONS_READ),
            Section::Policy => may(POLICY_READ),
            Section::Journal => may(JOURNAL_READ),
            Section::Webhooks => webhooks::may(caller).is_ok(),
            Section::Accounts | Section::Inventory | Section::Cluster => operator,
            Section::Me => true,
        }
    }

    /// Whether the page is built.
    fn is_there(self) -> bool {
        matches!(
            self,
            Section::Tokens
                | Section::Members
                | Section::ServiceAccounts
                | Section::Roles
                | Section::Tree
                | Section::Installations
                | Section::Policy
                | Section::Journal
                | Section::Notices
                | Section::Webhooks
                | Section::Accounts
                | Section::Inventory
                | Section::Cluster
                | Section::Me
        )
    }
}

impl<'a> Frame<'a> {
    /// Looks up what stands around a page of this section.
    pub(crate) async fn of(
        house: &'a House,
        tongue: Tongue,
        caller: &'a Caller,
        here: Section,
    ) -> Result<Frame<'a>, Problem> {
        let operator = house.desk.operator(caller).await.is_ok();
        let sections = Section::LISTED.into_iter();
        let sections =
            sections.filter(|section| section.is_there() && section.is_open_to(caller, operator)).collect();
        let mut accounts = house.desk.places(caller).await?;
        accounts.retain(|(id, _)| *id != caller.account.id);
        let marked = house.desk.marked(caller).await?;
        Ok(Frame {
            bare: Bare::of(house, tongue),
            caller,
            here,
            sections,
            operator,
            accounts,
            marked,
            said: None,
        })
    }

    pub(crate) fn say(&self, name: &str) -> Cow<'static, str> {
        self.bare.say(name)
    }

    pub(crate) fn say_of<'t>(&self, name: &str, key: &str, about: impl Into<About<'t>>) -> Cow<'static, str> {
        self.bare.say_of(name, key, about)
    }

    /// What the account's policy calls something. A word that the account left as ours is said in the
    /// reader's language.
    pub(crate) fn word(&self, key: &str) -> Cow<'_, str> {
        word(&self.caller.account.policy, self.bare.tongue, key)
    }

    /// The path of a page of this account, from the outside.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}/{}/{below}", self.bare.look.base, self.caller.account.id)
    }

    pub(crate) fn person(&self) -> &Holder {
        &self.caller.holder
    }

    pub(crate) fn ago(&self, at: &Timestamp) -> Cow<'static, str> {
        when::relative(self.bare.tongue, *at, self.caller.now)
    }

    pub(crate) fn day(&self, at: &Timestamp) -> String {
        when::day(self.bare.tongue, *at)
    }

    pub(crate) fn moment(&self, at: &Timestamp) -> String {
        when::moment(self.bare.tongue, *at)
    }

    /// A way to give a permission.
    pub(crate) fn mode_name(&self, mode: &str) -> Cow<'_, str> {
        match mode {
            "inherit" => self.say_of("mode-inherit", "name", self.person().name.as_str()),
            mode => self.say(&format!("mode-{mode}")),
        }
    }

    /// The levels of access: their names, words and sentences.
    pub(crate) fn levels(&self) -> [(&'static str, Cow<'_, str>, Cow<'_, str>); 3] {
        [
            ("full", self.word("access_full"), self.word("access_full_sentence")),
            ("write", self.word("access_write"), self.word("access_write_sentence")),
            ("read", self.word("access_read"), self.word("access_read_sentence")),
        ]
    }

    /// A way to choose an end.
    pub(crate) fn end_name(&self, end: &str) -> Cow<'_, str> {
        self.word(&format!("expiry_{end}"))
    }

    pub(crate) fn unit_name(&self, unit: &str) -> Cow<'static, str> {
        self.say(&format!("unit-{unit}"))
    }

    pub(crate) fn section_name(&self, section: &Section) -> Cow<'_, str> {
        match section {
            Section::Tokens => self.word("section"),
            Section::Notices => self.word("notices_section"),
            other => self.say(&format!("nav-{}", other.slug())),
        }
    }
}

/// See [`Frame::word`].
pub(crate) fn word<'p>(policy: &'p Policy, tongue: Tongue, key: &str) -> Cow<'p, str> {
    let ours = Preset::default_preset().policy.word(key);
    let theirs = policy.word(key);
    if tongue.locale() != Locale::English && theirs == ours {
        let name = format!("word-{}", key.replace('_', "-"));
        if tongue.knows(&name) {
            return tongue.say(&name);
        }
    }
    Cow::Borrowed(theirs)
}

/// The address of a page with what was just done, for [`Frame::said`].
pub(crate) fn told(path: &str, done: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}done={done}")
}

/// The sentences that an address may ask for: `done-…`, and no other.
pub(crate) fn said(tongue: Tongue, done: Option<&str>) -> Option<Cow<'static, str>> {
    let done = done.filter(|done| done.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))?;
    let name = format!("done-{done}");
    tongue.knows(&name).then(|| tongue.say(&name))
}
