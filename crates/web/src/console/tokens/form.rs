//! The fields of a token: what the policy lets people choose, what they typed, and what they ask for by
//! it. The same for a new token and for one that is edited.

use domain::facts::{Holder, Node};
use domain::grant::Level;
use domain::lifecycle::{AskedEnd, AskedGrant, Create, Edit};
use domain::node::NodePath;
use domain::permission::{DESK, PermissionSet};
use domain::policy::{ExpiryMode, FormField, HolderChoice, PermissionMode, Policy, Reach};
use domain::refusal::{Code, Refusal};
use domain::time::{DAY, Period, Timestamp};
use domain::who::Caller;
use service::members::HolderKind;
use service::{Error, Visitor};

use crate::api::House;
use crate::console::fields::Fields;
use crate::console::look::Locale;
use crate::console::reauth::Reauth;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

/// Holders and nodes that a choice shows at most.
const CHOICES: usize = 100;

/// What is wrong with what was typed. Without a field it is all of it.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    field: String,
    pub(crate) text: String,
}

impl Wrong {
    pub(crate) fn new(field: &str, text: impl Into<String>) -> Wrong {
        Wrong { field: field.to_owned(), text: text.into() }
    }

    /// A refusal beside the field that it is about.
    pub(crate) fn of(tongue: Tongue, refusal: &Refusal) -> Wrong {
        let field = match (refusal.field, refusal.code) {
            (Some("expires_at" | "expires_in"), _) => "expires",
            (Some(field), _) => field,
            (None, Code::ReauthenticationRequired) => "password",
            (None, _) => "",
        };
        Wrong::new(field, sentence(tongue, refusal, field))
    }

    pub(crate) fn is_of(&self, field: &str) -> bool {
        self.field == field
    }
}

/// What somebody who reads no English is told instead: less, but theirs. And what speaks of requests is
/// said of the page.
fn sentence(tongue: Tongue, refusal: &Refusal, field: &str) -> String {
    let code = refusal.code.as_str().replace('_', "-");
    let of_the_page = matches!(refusal.code, Code::ReauthenticationRequired | Code::ConfirmationRequired);
    if of_the_page || tongue.locale() != Locale::English {
        let names = [format!("refused-{code}-{field}"), format!("refused-{code}")];
        let name = match (refusal.code, refusal.field) {
            (Code::ReauthenticationRequired, Some("one_time_code")) => Some("refused-code"),
            (Code::ReauthenticationRequired, Some(_)) => Some("refused-password"),
            _ => None,
        };
        let name = name.or_else(|| names.iter().map(String::as_str).find(|name| tongue.knows(name)));
        if let Some(name) = name {
            return tongue.say(name).into_owned();
        }
    }
    refusal.detail.clone()
}

/// What becomes of an error: the form again, where that helps; else a page of its own.
pub(crate) fn again(tongue: Tongue, error: Error) -> Result<Wrong, Problem> {
    match error {
        Error::Refused(refusal) if refusal.code == Code::NotFound && refusal.field.is_none() => {
            Err(Error::Refused(refusal).into())
        }
        Error::Refused(refusal) => Ok(Wrong::of(tongue, &refusal)),
        Error::Busy | Error::Slowed(_) | Error::Full | Error::Conflict | Error::Undetermined => {
            Ok(Wrong::new("", Problem::from(error).detail()))
        }
        other => Err(other.into()),
    }
}

/// A choice: what is sent, and what is read.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
}

/// Permissions as a table: an entity a row, an action a column.
#[derive(Default)]
pub(super) struct Grid {
    pub(super) actions: Vec<String>,
    /// Whether each of the actions can be given.
    pub(super) rows: Vec<(String, Vec<bool>)>,
}

pub(super) struct Form<'a> {
    fields: Fields,
    wrong: Option<Wrong>,
    policy: &'a Policy,
    /// Of a token that exists: what is not chosen stays.
    pub(super) editing: bool,
    pub(super) roles: Vec<&'a str>,
    pub(super) entities: Vec<&'a str>,
    pub(super) grid: Grid,
    pub(super) nodes: Vec<Choice>,
    pub(super) holders: Vec<Choice>,
    pub(super) first_day: String,
    pub(super) last_day: String,
    pub(super) reauth: Reauth,
}

impl<'a> Form<'a> {
    /// What can be chosen for a new token.
    pub(super) async fn new(
        house: &House,
        tongue: Tongue,
        caller: &'a Caller,
        fields: Fields,
    ) -> Result<Form<'a>, Problem> {
        let policy = &caller.account.policy;
        let mut form = Form::of(caller, fields);
        if policy.fields.contains(&FormField::Node) {
            form.nodes = nodes(house, tongue, caller).await?;
        }
        if policy.fields.contains(&FormField::Holder) {
            form.holders = holders(house, tongue, caller).await?;
        }
        form.reauth = Reauth::of(house, caller, policy.create.reauth).await?;
        Ok(form)
    }

    /// The same of a token that is edited.
    pub(super) fn editing(caller: &'a Caller, fields: Fields) -> Form<'a> {
        Form { editing: true, ..Form::of(caller, fields) }
    }

    fn of(caller: &'a Caller, fields: Fields) -> Form<'a> {
        let account = &*caller.account;
        let policy = &account.policy;
        let rights = everywhere(caller);
        let allowed = |set: PermissionSet| !policy.permission.cap || rights.contains(set);
        let day = |at: Timestamp| at.to_string().split('T').next().unwrap_or_default().to_owned();
        // A day counts to its end, which must lie within the longest life.
        let last = policy.expiry.max.as_ref().map(|longest| day(caller.now.plus(longest).plus_micros(-DAY)));
        Form {
            roles: account
                .roles
                .iter()
                .filter(|role| allowed(role.permissions))
                .map(|role| role.name.as_str())
                .collect(),
            entities: account.entities.iter().map(|entity| entity.name.as_str()).collect(),
            grid: grid(caller, allowed),
            first_day: day(caller.now),
            last_day: last.unwrap_or_default(),
            fields,
            wrong: None,
            policy,
            editing: false,
            nodes: Vec::new(),
            holders: Vec::new(),
            reauth: Reauth::default(),
        }
    }

    pub(super) fn but(mut self, wrong: Wrong) -> Form<'a> {
        self.reauth = self.reauth.but(Some(&wrong));
        self.wrong = Some(wrong);
        self
    }

    // What the template asks

    pub(super) fn typed(&self, name: &str) -> &str {
        self.fields.text(name)
    }

    pub(super) fn ticked(&self, kind: &str, name: &str) -> bool {
        self.fields.ticked(&format!("{kind}.{name}"))
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.fields.is(name, value)
    }

    /// What is wrong with a field; with the empty name, with all of it.
    pub(super) fn wrong(&self, field: &str) -> Option<&str> {
        let shown = |wrong: &&Wrong| match field {
            "" => !FIELDS.iter().any(|field| wrong.is_of(field) && self.shows(field)),
            field => wrong.is_of(field),
        };
        self.wrong.as_ref().filter(shown).map(|wrong| wrong.text.as_str())
    }

    /// Whether the form has this field.
    pub(super) fn shows(&self, field: &str) -> bool {
        let has = |field| self.policy.fields.contains(&field);
        match field {
            "name" => true,
            "description" => has(FormField::Description),
            "permission" => has(FormField::Permission) && !self.policy.permission.modes.is_empty(),
            "node" => !self.nodes.is_empty(),
            "expires" => {
                has(FormField::Expiry)
                    && self.policy.expiry.fixed.is_none()
                    && !self.policy.expiry.modes.is_empty()
            }
            "holder" => !self.holders.is_empty(),
            "not_before" => has(FormField::NotBefore) && !self.editing,
            "metadata" => has(FormField::Metadata),
            "password" => self.reauth.asks,
            "one_time_code" => self.reauth.code,
            _ => false,
        }
    }

    pub(super) fn listed(&self, entity: &str, action: usize) -> bool {
        let action = self.grid.actions.get(action).map(String::as_str).unwrap_or_default();
        self.ticked("list", &format!("{entity}:{action}"))
    }

    pub(super) fn some_entities(&self) -> bool {
        self.entities.iter().any(|entity| self.ticked("entity", entity))
    }

    pub(super) fn units(&self) -> [&'static str; 4] {
        UNITS
    }

    /// Whether the rest of the form, which few need, stands open.
    pub(super) fn more(&self) -> bool {
        ["not_before", "metadata"].iter().any(|name| !self.typed(name).is_empty())
    }

    /// The ways to give a permission, by the names that the API has for them.
    pub(super) fn modes(&self) -> Vec<&'static str> {
        let modes = self.policy.permission.modes.iter();
        // A token that inherits can only be narrowed by naming less.
        modes.map(|mode| mode_name(*mode)).filter(|mode| !(self.editing && *mode == "inherit")).collect()
    }

    pub(super) fn ends(&self) -> Vec<&'static str> {
        let ends = [(ExpiryMode::Never, "never"), (ExpiryMode::Date, "date"), (ExpiryMode::Period, "period")];
        let known = ends.into_iter().filter(|(mode, _)| self.policy.expiry.modes.contains(mode));
        known.map(|(_, name)| name).collect()
    }

    pub(super) fn fixed_life(&self) -> Option<&Period> {
        self.policy.expiry.fixed.as_ref()
    }

    pub(super) fn longest(&self) -> Option<&Period> {
        self.policy.expiry.max.as_ref()
    }

    // What is asked for by it

    /// What was typed, as an order for a new token.
    pub(super) fn order(&self, tongue: Tongue) -> Result<Create, Wrong> {
        let given = |name: &str| self.shows(name).then(|| self.fields.given(name)).flatten();
        let holder = given("holder").map(|id| id.parse()).transpose();
        let node = given("node").map(|path| path.parse::<NodePath>()).transpose();
        let start = given("not_before").map(|at| moment(&at)).transpose();
        Ok(Create {
            name: self.typed("name").to_owned(),
            description: given("description"),
            permission: self.grant(),
            node: node.map_err(|_| Wrong::new("node", tongue.say("wrong-node")))?,
            end: self.end(tongue)?,
            not_before: start.map_err(|()| Wrong::new("not_before", tongue.say("wrong-moment")))?,
            holder: holder.map_err(|_| Wrong::new("holder", tongue.say("wrong-holder")))?,
            metadata: self.metadata(tongue)?,
        })
    }

    /// What was typed, as an edit.
    pub(super) fn edit(&self, tongue: Tongue) -> Result<Edit, Wrong> {
        Ok(Edit {
            name: Some(self.typed("name").to_owned()),
            description: self.shows("description").then(|| self.fields.given("description")),
            end: self.end(tongue)?,
            metadata: match self.metadata(tongue)? {
                None if self.shows("metadata") => Some(serde_json::Value::Null),
                metadata => metadata,
            },
            permission: self.grant(),
        })
    }

    fn grant(&self) -> Option<AskedGrant> {
        if !self.shows("permission") {
            return None;
        }
        let names = |kind: &str| -> Vec<String> {
            self.fields.under(&format!("{kind}.")).map(|(name, _)| name.to_owned()).collect()
        };
        match self.typed("permission") {
            "inherit" => Some(AskedGrant::Inherit),
            "role" => Some(AskedGrant::Role(self.typed("role").to_owned())),
            "access" => {
                let level = match self.typed("access") {
                    "full" => Level::Full,
                    "write" => Level::Write,
                    _ => Level::Read,
                };
                let entities = names("entity");
                Some(AskedGrant::Access { level, entities: (!entities.is_empty()).then_some(entities) })
            }
            "list" => Some(AskedGrant::List(names("list"))),
            _ => None,
        }
    }

    fn end(&self, tongue: Tongue) -> Result<Option<AskedEnd>, Wrong> {
        if !self.shows("expires") {
            return Ok(None);
        }
        match self.typed("expires") {
            "never" => Ok(Some(AskedEnd::Never)),
            "date" => {
                let end = format!("{}T23:59:59Z", self.typed("date")).parse();
                end.map(|at| Some(AskedEnd::At(at)))
                    .map_err(|_| Wrong::new("expires", tongue.say("wrong-date")))
            }
            "period" => {
                let period = period(&self.fields);
                let period = period.ok_or_else(|| Wrong::new("expires", tongue.say("wrong-period")))?;
                Ok(Some(AskedEnd::In(period)))
            }
            _ => Ok(None),
        }
    }

    fn metadata(&self, tongue: Tongue) -> Result<Option<serde_json::Value>, Wrong> {
        let text = self.fields.given("metadata").filter(|_| self.shows("metadata"));
        let value = text.map(|text| serde_json::from_str(&text)).transpose();
        value.map_err(|_| Wrong::new("metadata", tongue.say("wrong-metadata")))
    }
}

/// The fields that show what is wrong with them beside them.
const FIELDS: [&str; 10] = [
    "name",
    "description",
    "permission",
    "node",
    "expires",
    "holder",
    "not_before",
    "metadata",
    "password",
    "one_time_code",
];

/// What a new token's form begins with: what the policy gives when nothing is asked.
pub(super) fn usual(caller: &Caller) -> Fields {
    let policy = &caller.account.policy;
    let mut fields = Fields::default();
    if let Some(first) = policy.permission.modes.first() {
        fields.put("permission", mode_name(*first));
    }
    let own = caller.holder.role().and_then(|role| caller.account.role(role));
    fields.put("role", own.map(|role| role.name.as_str()).unwrap_or_default());
    fields.put("access", "read");
    let modes = &policy.expiry.modes;
    let usual = policy.expiry.default.as_ref().or(policy.expiry.max.as_ref());
    let end = usual.map(|period| caller.now.plus(period));
    if let Some(end) = end {
        fields.put("date", end.to_string().split('T').next().unwrap_or_default());
    }
    fields.put(
        "expires",
        match policy.expiry.default {
            Some(_) if modes.contains(&ExpiryMode::Period) => "period",
            Some(_) if modes.contains(&ExpiryMode::Date) => "date",
            None if modes.contains(&ExpiryMode::Never) => "never",
            _ => {
                if modes.contains(&ExpiryMode::Period) {
                    "period"
                } else {
                    "date"
                }
            }
        },
    );
    put_period(&mut fields, usual);
    fields
}

/// A number and a unit, where the period has one of each.
pub(super) fn put_period(fields: &mut Fields, period: Option<&Period>) {
    let text = period.map(ToString::to_string).unwrap_or_default();
    let (count, unit) = text.split_once(' ').unwrap_or(("30", "days"));
    let unit = if unit.ends_with('s') { unit.to_owned() } else { format!("{unit}s") };
    let (count, unit) =
        if UNITS.contains(&unit.as_str()) { (count, unit) } else { ("30", "days".to_owned()) };
    fields.put("count", count);
    fields.put("unit", unit);
}

/// The units of a period that a form offers.
pub(super) const UNITS: [&str; 4] = ["hours", "days", "months", "years"];

/// The period of a number and a unit.
pub(super) fn period(fields: &Fields) -> Option<Period> {
    let (count, unit) = (fields.text("count"), fields.text("unit"));
    let number = count.parse::<u32>().ok().filter(|number| *number > 0)?;
    let unit = UNITS.into_iter().find(|known| *known == unit)?;
    format!("{number} {unit}").parse().ok()
}

/// A moment as `<input type="datetime-local">` sends it, in UTC.
fn moment(text: &str) -> Result<Timestamp, ()> {
    let seconds = if text.len() == 16 { ":00Z" } else { "Z" };
    format!("{text}{seconds}").parse().map_err(|_| ())
}

fn mode_name(mode: PermissionMode) -> &'static str {
    match mode {
        PermissionMode::Inherit => "inherit",
        PermissionMode::Role => "role",
        PermissionMode::Access => "access",
        PermissionMode::List => "list",
    }
}

/// What the caller may do at one place or another.
fn everywhere(caller: &Caller) -> PermissionSet {
    let bound = caller.holder.bindings.iter().map(|binding| caller.rights(&binding.node));
    bound.collect()
}

fn grid(caller: &Caller, allowed: impl Fn(PermissionSet) -> bool) -> Grid {
    let account = &*caller.account;
    let reaches = account.policy.reach == Reach::Everything || caller.manages();
    let desk = DESK.iter().filter(|_| reaches).map(|entity| {
        let actions = domain::permission::CRUD.map(str::to_owned).to_vec();
        ((*entity).to_owned(), actions)
    });
    let own = account.entities.iter().map(|entity| (entity.name.clone(), entity.actions.clone()));
    let entities: Vec<(String, Vec<String>)> = own.chain(desk).collect();
    let mut actions: Vec<String> = Vec::new();
    for action in entities.iter().flat_map(|(_, actions)| actions) {
        if !actions.contains(action) {
            actions.push(action.clone());
        }
    }
    let may = |entity: &str, action: &str| {
        caller.registry.find(&format!("{entity}:{action}")).is_some_and(&allowed)
    };
    let row = |(entity, own): (String, Vec<String>)| {
        let cells = actions.iter().map(|action| own.contains(action) && may(&entity, action)).collect();
        (entity, cells)
    };
    let rows = entities.into_iter().map(row).filter(|(_, cells): &(_, Vec<bool>)| cells.contains(&true));
    Grid { rows: rows.collect(), actions }
}

/// The places of the tree that the caller may read; none where there is only one.
async fn nodes(house: &House, tongue: Tongue, caller: &Caller) -> Result<Vec<Choice>, Problem> {
    let nodes: Vec<Node> = match house.desk.nodes(caller.clone(), &caller.account.id, CHOICES, None).await {
        Ok(page) => page.items,
        Err(Error::Refused(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let all = tongue.say_of("everywhere", &[("name", caller.account.name.as_str().into())]);
    let root = Choice { value: "/".to_owned(), label: all.into_owned() };
    let choice = |node: Node| Choice {
        label: format!("{} · {}", node.path, node.name),
        value: node.path.to_string(),
    };
    Ok(std::iter::once(root).chain(nodes.into_iter().map(choice)).collect())
}

/// For whom a token can be made, where that is a choice.
async fn holders(house: &House, tongue: Tongue, caller: &Caller) -> Result<Vec<Choice>, Problem> {
    let allowed = &caller.account.policy.create.holder;
    if !caller.manages() {
        return Ok(Vec::new());
    }
    let mut choices = Vec::new();
    if allowed.contains(&HolderChoice::Caller) {
        let own = tongue.say_of("holder-self", &[("name", caller.holder.name.as_str().into())]);
        choices.push(Choice { value: String::new(), label: own.into_owned() });
    }
    let kinds = [
        (HolderChoice::ServiceAccount, HolderKind::ServiceAccount, "holder-service-account"),
        (HolderChoice::Member, HolderKind::Member, "holder-member"),
    ];
    for (choice, kind, word) in kinds {
        if !allowed.contains(&choice) {
            continue;
        }
        for holder in holders_of(house, caller, kind).await? {
            if !caller.is(holder.id) && holder.is_active() {
                let label = tongue.say_of(word, &[("name", holder.name.as_str().into())]);
                choices.push(Choice { value: holder.id.to_string(), label: label.into_owned() });
            }
        }
    }
    if choices.len() < 2 && allowed.contains(&HolderChoice::Caller) {
        choices.clear();
    }
    Ok(choices)
}

/// Those of a kind that the caller may read, the first of them.
pub(crate) async fn holders_of(
    house: &House,
    caller: &Caller,
    kind: HolderKind,
) -> Result<Vec<Holder>, Problem> {
    let visitor = Visitor::Holder(Box::new(caller.clone()));
    match house.desk.holders(&visitor, &caller.account.id, kind, CHOICES, None).await {
        Ok((_, page)) => Ok(page.items),
        Err(Error::Refused(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
