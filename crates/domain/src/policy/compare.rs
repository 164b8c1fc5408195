//! What differs between two policies, switch by switch: for whoever changes one, and for the journal.

use serde_json::Value;

use super::Policy;

/// A switch that is set otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Its path, such as `expiry.max`.
    pub switch: String,
    /// As the document says it; null where it said nothing.
    pub was: Value,
    pub is: Value,
}

impl Policy {
    /// The switches that are set otherwise in `next`. A word that says the same as ours counts as ours,
    /// whether it stands in the document or not.
    pub fn changed_to(&self, next: &Policy) -> Vec<Changed> {
        let document = |policy: &Policy| {
            let mut document = serde_json::to_value(policy).unwrap_or_default();
            let said = |key: &String| (key.clone(), Value::from(policy.word(key)));
            let keys = self.words.keys().chain(next.words.keys());
            document["words"] = keys.map(said).collect();
            document
        };
        differing(&document(self), &document(next))
    }
}

/// Where two documents differ: objects key by key, everything else as a whole.
pub fn differing(was: &Value, is: &Value) -> Vec<Changed> {
    let mut found = Vec::new();
    compare(String::new(), was, is, &mut found);
    found
}

fn compare(path: String, was: &Value, is: &Value, found: &mut Vec<Changed>) {
    if was == is {
        return;
    }
    let (old, new) = match (was, is) {
        (Value::Object(old), Value::Object(new)) => (old.clone(), new.clone()),
        // What begins or ends to be there is told key by key too.
        (Value::Object(old), Value::Null) => (old.clone(), serde_json::Map::new()),
        (Value::Null, Value::Object(new)) => (serde_json::Map::new(), new.clone()),
        _ => {
            found.push(Changed { switch: path, was: was.clone(), is: is.clone() });
            return;
        }
    };
    let more = new.keys().filter(|key| !old.contains_key(*key));
    for key in old.keys().chain(more) {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let value = |of: &serde_json::Map<String, Value>| of.get(key).cloned().unwrap_or_default();
        compare(below, &value(&old), &value(&new), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::policy::Limit;
    use crate::preset::Preset;

    #[test]
    fn what_differs_is_told_by_the_switches_paths() {
        let was = &Preset::default_preset().policy;
        assert_eq!(was.changed_to(was), []);
        let mut is = was.clone();
        is.expiry.max = Some("30 days".parse().unwrap());
        is.edit = false;
        is.limit = None;
        let changed = was.changed_to(&is);
        let told: Vec<_> = changed.iter().map(|c| (c.switch.as_str(), c.was.clone(), c.is.clone())).collect();
        assert_eq!(
            told,
            [
                ("edit", json!(true), json!(false)),
                ("expiry.max", json!("366 days"), json!("30 days")),
                ("limit.counts", json!(["active", "pending", "suspended"]), json!(null)),
                ("limit.max", json!(20), json!(null)),
                ("limit.per", json!("holder"), json!(null)),
            ]
        );
        assert_eq!(is.changed_to(was).len(), 5);
        let other = Limit { max: 3, ..was.limit.clone().unwrap() };
        let is = crate::policy::Policy { limit: Some(other), ..was.clone() };
        assert_eq!(was.changed_to(&is).len(), 1);
    }

    #[test]
    fn a_word_that_is_ours_is_no_change() {
        let was = &Preset::default_preset().policy;
        let mut is = was.clone();
        is.words.remove("create_button");
        assert_eq!(was.changed_to(&is), []);
        is.words.insert("create_button".into(), "Generate token".into());
        let changed = was.changed_to(&is);
        assert_eq!(changed.len(), 1);
        assert_eq!(
            (changed[0].switch.as_str(), &changed[0].is),
            ("words.create_button", &json!("Generate token"))
        );
    }
}
