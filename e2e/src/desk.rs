//! What scenarios ask of a server's desk again and again, in one place each.

use serde_json::{Value, json};

use crate::{ACCOUNT, Answer, Server};

impl Server {
    /// A path below the account: `tokens` becomes `/v1/accounts/acme/tokens`.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/accounts/{ACCOUNT}/{rest}")
    }

    /// Asks for a token; the caller is a session or a token.
    pub fn ask_for_token(&self, caller: &str, ask: Value) -> Answer {
        self.as_(caller).post(&self.path("tokens"), ask)
    }

    /// A token in JSON, `secret` included, after a create that must succeed.
    #[track_caller]
    pub fn create(&self, caller: &str, ask: Value) -> Value {
        self.ask_for_token(caller, ask).ok(201).clone()
    }

    /// The same with a name and nothing else.
    #[track_caller]
    pub fn create_named(&self, caller: &str, name: &str) -> Value {
        self.create(caller, json!({ "name": name }))
    }

    /// The first page of tokens that this caller sees; `query` begins with `?` or is empty.
    #[track_caller]
    pub fn tokens(&self, caller: &str, query: &str) -> Vec<Value> {
        let answer = self.as_(caller).get(&self.path(&format!("tokens{query}")));
        answer.ok(200)["items"].as_array().unwrap_or_else(|| panic!("a list has items:\n{answer:?}")).clone()
    }

    /// Their names, sorted.
    #[track_caller]
    pub fn token_names(&self, caller: &str, query: &str) -> Vec<String> {
        let mut names: Vec<String> =
            self.tokens(caller, query).iter().map(|token| text(token, "name")).collect();
        names.sort();
        names
    }

    /// One token, as this caller may ask for it.
    pub fn token(&self, caller: &str, id: &str) -> Answer {
        self.as_(caller).get(&self.path(&format!("tokens/{id}")))
    }

    /// A POST to a token: `revoke`, `approve`, `rotate`, `reveal`, `report-leak`.
    pub fn act(&self, caller: &str, id: &str, action: &str) -> Answer {
        self.as_(caller).post(&self.path(&format!("tokens/{id}/{action}")), json!({}))
    }

    /// Deletes a token; `query` begins with `?` or is empty.
    pub fn delete(&self, caller: &str, id: &str, query: &str) -> Answer {
        self.as_(caller).delete(&self.path(&format!("tokens/{id}{query}")))
    }

    /// The permissions of a role, sorted.
    #[track_caller]
    pub fn role_permissions(&self, role: &str) -> Vec<String> {
        let answer = self.admin().get(&self.path("roles?limit=100"));
        let roles = answer.ok(200)["items"].as_array().expect("a list has items").clone();
        let found = roles
            .iter()
            .find(|item| item["name"] == role)
            .unwrap_or_else(|| panic!("no role {role}:\n{answer:?}"));
        strings(&found["permissions"])
    }

    /// What a good token may do, sorted.
    #[track_caller]
    pub fn permissions(&self, secret: &str) -> Vec<String> {
        let verdict = self.verify(secret);
        assert!(verdict["valid"] == true, "expected a good token: {verdict:#}");
        strings(&verdict["permissions"])
    }

    /// Whether a token is good for this permission, by the verdict's code.
    #[track_caller]
    pub fn code_for(&self, secret: &str, permission: &str) -> String {
        text(&self.verify_with(json!({ "token": secret, "permission": permission })), "code")
    }

    /// The account's policy.
    #[track_caller]
    pub fn policy(&self) -> Value {
        self.admin().get(&self.path("policy")).ok(200).clone()
    }

    /// Asserts that the preset knows each of these words of its document's page.
    #[track_caller]
    pub fn speaks(&self, words: &[&str]) {
        let policy = self.policy();
        let known: Vec<&str> = policy["words"]
            .as_object()
            .expect("words are an object")
            .values()
            .filter_map(Value::as_str)
            .collect();
        for word in words {
            assert!(known.iter().any(|text| text.contains(word)), "no page says \"{word}\": {known:#?}");
        }
    }
}

/// A field that is a string.
#[track_caller]
pub fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_else(|| panic!("`{field}` is no string: {object:#}")).to_owned()
}

/// A list of strings, sorted.
#[track_caller]
pub fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("no list: {list:#}"));
    let mut items: Vec<String> = items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    items.sort();
    items
}
