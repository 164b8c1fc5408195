//! Random lives: steps that members, tokens and time take in a world with four members, two
//! service accounts and four nodes. What the rules refuse is a step not taken.

use domain::grant::Level;
use domain::ids::HolderId;
use domain::lifecycle::{AskedEnd, AskedGrant, Create, Edit};
use domain::node::NodePath;
use domain::permission::PermissionSet;
use domain::policy::{Ceiling, ExpiryMode, HolderChoice, OnInactive, OnReturn, Reach};
use domain::time::Period;
use domain::who::Caller;
use proptest::prelude::*;
use token::TokenId;

use super::{Failed, World, node};

/// Numbers choose among what there is, modulo how many there are.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create { by: By, holder: Option<usize>, asked: Option<AskedGrant>, node: usize, end: Option<AskedEnd> },
    Edit { by: By, token: usize, asked: Option<AskedGrant>, end: Option<AskedEnd> },
    Rotate { by: By, token: usize, grace: String },
    Revoke { by: By, token: usize },
    Approve { by: By, token: usize },
    Leak { by: By, token: usize },
    Delete { by: By, token: usize },
    Deactivate { by: By, holder: usize },
    Reactivate { by: By, holder: usize },
    Remove { by: By, holder: usize },
    Promote { by: By, holder: usize, role: usize },
    Bind { holder: usize, role: usize, node: usize },
    Unbind { holder: usize, node: usize },
    EditRole { by: By, role: usize, permissions: Vec<String> },
    Policy(Switch),
    LogIn(usize),
    LogOut(usize),
    Wait(Period),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Session(usize),
    /// With one of the good tokens.
    Token(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Switch {
    Ceiling(Ceiling),
    Reach(Reach),
    Approval(bool),
    OnInactive(OnInactive),
    OnReturn(OnReturn),
    /// Days, or none.
    Max(Option<u32>),
}

/// What was done, and by whom.
#[derive(Debug)]
pub(crate) enum Done {
    Created(Caller, TokenId),
    Edited(TokenId),
    /// The new token.
    Rotated(Caller, TokenId),
    Approved(Caller, TokenId),
    Other,
}

/// A world and its people, in the order that steps choose them.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) holders: Vec<HolderId>,
    pub(crate) nodes: Vec<NodePath>,
    /// In the order in which they were made.
    pub(crate) tokens: Vec<TokenId>,
    sessions: Vec<TokenId>,
}

const ROLES: [&str; 4] = ["Owner", "Admin", "Member", "Viewer"];

impl Stage {
    /// The default preset, with approvals after a logout, and two nodes with one below.
    pub(crate) fn new() -> Stage {
        let mut world = World::of("default");
        // Two levels below the account, to have a node below a node.
        world.set_account(|account| account.levels.push("environment".into()));
        for path in ["/lab", "/sales", "/sales/prod"] {
            world.add_node(path);
        }
        world.set_policy(|policy| {
            policy.expiry.modes = vec![ExpiryMode::Never, ExpiryMode::Date, ExpiryMode::Period];
            policy.expiry.max = None;
            policy.logout = domain::policy::Logout::Revoke;
            policy.create.holder.push(HolderChoice::Member);
            policy.confirm.mode = domain::policy::ConfirmMode::None;
        });
        let holders = vec![
            world.owner,
            world.join("Bob", "Admin"),
            world.join("Cy", "Member"),
            world.join("Di", "Viewer"),
            world.service_account("Deployer", "Member"),
            world.service_account("Reader", "Viewer"),
        ];
        let nodes = ["/", "/lab", "/sales", "/sales/prod"].map(node).to_vec();
        Stage { world, holders, nodes, tokens: Vec::new(), sessions: Vec::new() }
    }

    pub(crate) fn holder_of(&self, at: usize) -> HolderId {
        self.holders[at % self.holders.len()]
    }

    pub(crate) fn node_of(&self, at: usize) -> NodePath {
        self.nodes[at % self.nodes.len()].clone()
    }

    fn token_of(&self, at: usize) -> Option<TokenId> {
        // Counted from the newest, among a few: so that one token goes through much.
        let few = self.tokens.len().min(5);
        (few > 0).then(|| self.tokens[self.tokens.len() - 1 - at % few])
    }

    /// Only who is let in at the door makes decisions.
    fn caller(&mut self, by: By) -> Option<Caller> {
        match by {
            By::Session(at) => {
                let id = self.holder_of(at);
                let signs_in = id.kind() == "member" && self.world.holder(id).is_active();
                signs_in.then(|| self.world.session(id))
            }
            By::Token(at) => {
                let good: Vec<TokenId> =
                    self.tokens.iter().copied().filter(|id| self.world.state(*id).is_good()).collect();
                Some(self.world.bearer(*good.get(at % good.len().max(1))?))
            }
        }
    }

    /// None where it was refused, or nobody was there to do it. A conflict is impossible, since
    /// everybody decides on the rows as they are.
    pub(crate) fn take(&mut self, step: &Step) -> Option<Done> {
        match self.try_to(step)? {
            Ok(done) => Some(done),
            Err(Failed::Refused(_)) => None,
            Err(Failed::Conflict) => panic!("a conflict without a rival: {step:?}"),
        }
    }

    fn try_to(&mut self, step: &Step) -> Option<Result<Done, Failed>> {
        let other = |result: Result<TokenId, Failed>| result.map(|_| Done::Other);
        let nothing = |result: Result<(), Failed>| result.map(|()| Done::Other);
        Some(match step {
            Step::Create { by, holder, asked, node, end } => {
                let by = self.caller(*by)?;
                let order = Create {
                    name: "a token".into(),
                    permission: asked.clone(),
                    node: Some(self.node_of(*node)),
                    end: end.clone(),
                    holder: holder.map(|at| self.holder_of(at)),
                    ..Create::default()
                };
                let made = self.world.create(&by, &order);
                self.tokens.extend(made.as_ref().ok());
                made.map(|id| Done::Created(by, id))
            }
            Step::Edit { by, token, asked, end } => {
                let (by, id) = (self.caller(*by)?, self.token_of(*token)?);
                let edit = Edit { permission: asked.clone(), end: end.clone(), ..Edit::default() };
                self.world.edit(&by, id, &edit).map(Done::Edited)
            }
            Step::Rotate { by, token, grace } => {
                let (by, id) = (self.caller(*by)?, self.token_of(*token)?);
                let made = self.world.rotate(&by, id, grace);
                self.tokens.extend(made.as_ref().ok());
                made.map(|id| Done::Rotated(by, id))
            }
            Step::Revoke { by, token } => {
                let (by, id) = (self.caller(*by)?, self.token_of(*token)?);
                other(self.world.revoke(&by, id))
            }
            Step::Approve { by, token } => {
                let (by, id) = (self.caller(*by)?, self.token_of(*token)?);
                self.world.approve(&by, id).map(|id| Done::Approved(by, id))
            }
            Step::Leak { by, token } => {
                let (by, id) = (self.caller(*by)?, self.token_of(*token)?);
                other(self.world.leak(&by, id))
            }
            Step::Delete { by, token } => {
                let (by, id) = (self.caller(*by)?, self.token_of(*token)?);
                other(self.world.delete(&by, id, None))
            }
            Step::Deactivate { by, holder } => {
                let (by, id) = (self.caller(*by)?, self.holder_of(*holder));
                nothing(self.world.deactivate(&by, id))
            }
            Step::Reactivate { by, holder } => {
                let (by, id) = (self.caller(*by)?, self.holder_of(*holder));
                nothing(self.world.reactivate(&by, id))
            }
            Step::Remove { by, holder } => {
                let (by, id) = (self.caller(*by)?, self.holder_of(*holder));
                nothing(self.world.remove(&by, id))
            }
            Step::Promote { by, holder, role } => {
                let (by, id) = (self.caller(*by)?, self.holder_of(*holder));
                nothing(self.world.give_role(&by, id, ROLES[role % ROLES.len()]))
            }
            Step::Bind { holder, role, node } => {
                let node = self.node_of(*node);
                // The role at the root is changed by decision.
                if !node.is_root() {
                    let role = self.world.role(ROLES[role % ROLES.len()]);
                    self.world.bind(self.holder_of(*holder), role, &node);
                }
                Ok(Done::Other)
            }
            Step::Unbind { holder, node } => {
                let node = self.node_of(*node);
                let unbound = |binding: &domain::facts::Binding| binding.node != node || node.is_root();
                self.world.set_holder(self.holder_of(*holder), |holder| holder.bindings.retain(unbound));
                Ok(Done::Other)
            }
            Step::EditRole { by, role, permissions } => {
                let by = self.caller(*by)?;
                let role = self.world.role(ROLES[role % ROLES.len()]);
                let decided = domain::roles::edit(&by, role, None, Some(permissions));
                decided
                    .map_err(Failed::from)
                    .and_then(|decided| nothing(self.world.carry_out_for(&by, decided.change)))
            }
            Step::Policy(switch) => {
                self.world.set_policy(|policy| match *switch {
                    Switch::Ceiling(ceiling) => policy.permission.ceiling = ceiling,
                    Switch::Reach(reach) => policy.reach = reach,
                    Switch::Approval(approval) => policy.create.approval = approval,
                    Switch::OnInactive(on_inactive) => policy.on_inactive = on_inactive,
                    Switch::OnReturn(on_return) => policy.on_return = on_return,
                    Switch::Max(days) => policy.expiry.max = days.map(Period::days),
                });
                Ok(Done::Other)
            }
            Step::LogIn(holder) => {
                let id = self.holder_of(*holder);
                if id.kind() != "member" {
                    return None;
                }
                let session = self.world.log_in(id);
                self.sessions.extend(session.as_ref().ok());
                other(session)
            }
            Step::LogOut(session) => {
                let sessions = self.sessions.len();
                let id = *self.sessions.get(session % sessions.max(1))?;
                if !self.world.state(id).is_good() {
                    return None;
                }
                nothing(self.world.log_out(id))
            }
            Step::Wait(period) => {
                self.world.now = self.world.now.plus(period);
                Ok(Done::Other)
            }
        })
    }
}

/// What a role could be edited to, and what a list may name: the desk and the product.
pub(crate) const NAMES: [&str; 8] = [
    "tokens:create",
    "tokens:update",
    "members:update",
    "devices:read",
    "devices:update",
    "deploy:trigger",
    "billing:update",
    "projects:read",
];

fn some_names() -> impl Strategy<Value = Vec<String>> {
    let with_tokens = prop_oneof![Just(&NAMES[..0]), Just(&NAMES[..1]), Just(&NAMES[..2])];
    (with_tokens, prop::sample::subsequence(NAMES[2..].to_vec(), 1..5))
        .prop_map(|(tokens, others)| tokens.iter().chain(&others).map(|&name| name.into()).collect())
}

fn asked() -> impl Strategy<Value = AskedGrant> {
    let levels = prop::sample::select(vec![Level::Full, Level::Write, Level::Read]);
    prop_oneof![
        2 => Just(AskedGrant::Inherit),
        2 => (0..ROLES.len()).prop_map(|at| AskedGrant::Role(ROLES[at].into())),
        1 => levels.prop_map(|level| AskedGrant::Access { level, entities: Some(vec!["devices".into()]) }),
        4 => some_names().prop_map(AskedGrant::List),
    ]
}

fn end() -> impl Strategy<Value = AskedEnd> {
    prop_oneof![
        Just(AskedEnd::Never),
        (1u32..90).prop_map(|days| AskedEnd::In(Period::days(days))),
        (1u64..200).prop_map(|hours| AskedEnd::In(Period::hours(hours))),
    ]
}

fn by() -> impl Strategy<Value = By> {
    // Mostly the first two, who manage.
    prop_oneof![
        4 => (0usize..2).prop_map(By::Session),
        2 => (2usize..4).prop_map(By::Session),
        4 => (0usize..16).prop_map(By::Token),
    ]
}

fn wait() -> impl Strategy<Value = Period> {
    prop_oneof![
        Just(Period::ZERO),
        Just(Period::micros(1)),
        (1u64..72).prop_map(Period::hours),
        (1u32..40).prop_map(Period::days),
    ]
}

pub(crate) fn switch() -> impl Strategy<Value = Switch> {
    use prop::sample::select;
    prop_oneof![
        select(vec![Ceiling::Live, Ceiling::Frozen]).prop_map(Switch::Ceiling),
        select(vec![Reach::Resources, Reach::Everything]).prop_map(Switch::Reach),
        any::<bool>().prop_map(Switch::Approval),
        select(vec![OnInactive::Keep, OnInactive::Suspend]).prop_map(Switch::OnInactive),
        select(vec![OnReturn::Restore, OnReturn::Approve]).prop_map(Switch::OnReturn),
        prop::option::of(1u32..60).prop_map(Switch::Max),
    ]
}

/// A step of any sort but another policy.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let n = 0usize..16;
    let create = (
        by(),
        prop::option::weighted(0.5, 2usize..6),
        prop::option::of(asked()),
        n.clone(),
        prop::option::of(end()),
    )
        .prop_map(|(by, holder, asked, node, end)| Step::Create { by, holder, asked, node, end });
    let edit = (by(), n.clone(), prop::option::of(asked()), prop::option::of(end()))
        .prop_map(|(by, token, asked, end)| Step::Edit { by, token, asked, end });
    let rotate = (by(), n.clone(), 0u32..169).prop_map(|(by, token, hours)| Step::Rotate {
        by,
        token,
        grace: format!("{hours} hours"),
    });
    let of = |make: fn(By, usize) -> Step| (by(), 0usize..16).prop_map(move |(by, at)| make(by, at));
    prop_oneof![
        16 => create,
        10 => edit,
        8 => rotate,
        6 => of(|by, token| Step::Revoke { by, token }),
        8 => of(|by, token| Step::Approve { by, token }),
        1 => of(|by, token| Step::Leak { by, token }),
        1 => of(|by, token| Step::Delete { by, token }),
        1 => of(|by, holder| Step::Deactivate { by, holder }),
        3 => of(|by, holder| Step::Reactivate { by, holder }),
        1 => of(|by, holder| Step::Remove { by, holder }),
        5 => (by(), n.clone(), 0usize..4).prop_map(|(by, holder, role)| Step::Promote { by, holder, role }),
        6 => (n.clone(), 0usize..4, n.clone()).prop_map(|(holder, role, node)| Step::Bind { holder, role, node }),
        1 => (n.clone(), n.clone()).prop_map(|(holder, node)| Step::Unbind { holder, node }),
        3 => (by(), 1usize..4, some_names())
            .prop_map(|(by, role, permissions)| Step::EditRole { by, role, permissions }),
        1 => n.clone().prop_map(Step::LogIn),
        1 => n.prop_map(Step::LogOut),
        4 => wait().prop_map(Step::Wait),
    ]
}

/// All that a role of the account could give, to compare sets by.
pub(crate) fn spelled(stage: &Stage, set: PermissionSet) -> Vec<String> {
    stage.world.registry().spell(set).map(str::to_owned).collect()
}
