//! What is done with a token in one step: a small page that says what follows and asks, and the form
//! that does it. Opened over the page that leads to it, where scripts run.

use askama::Template;
use axum::http::StatusCode;
use domain::facts::Token;
use domain::lifecycle::{Actions, confirmation};
use domain::policy::{ConfirmMode, Policy};
use domain::refusal::{Code, Refusal};
use domain::who::Caller;
use service::Error;
use service::tokens::Offered;
use token::TokenId;

use super::create::{Once, nonce};
use super::form::{self, UNITS, Wrong};
use super::{once, usage};
use crate::api::House;
use crate::api::call::{Call, NoQuery, Within};
use crate::api::table::Table;
use crate::console::fields::Fields;
use crate::console::frame::{Frame, Section, told};
use crate::console::reauth::{self, Reauth};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

pub(super) fn routes(table: &mut Table) {
    macro_rules! act {
        ($path:literal, $act:expr) => {
            table.page($path, |call: Call<Signed, Within<TokenId>>| ask(call, $act));
            table.form($path, |call: Call<Signed, Within<TokenId>, NoQuery, Fields>| carry_out(call, $act));
        };
    }
    act!("/console/{account}/tokens/{id}/rotate", Act::Rotate);
    act!("/console/{account}/tokens/{id}/revoke", Act::Revoke);
    act!("/console/{account}/tokens/{id}/approve", Act::Approve);
    act!("/console/{account}/tokens/{id}/report-leak", Act::ReportLeak);
    act!("/console/{account}/tokens/{id}/reveal", Act::Reveal);
    act!("/console/{account}/tokens/{id}/delete", Act::Delete);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Edit,
    Rotate,
    Revoke,
    Approve,
    ReportLeak,
    Reveal,
    Delete,
}

impl Act {
    /// The last part of its path.
    fn slug(self) -> &'static str {
        match self {
            Act::Edit => "edit",
            Act::Rotate => "rotate",
            Act::Revoke => "revoke",
            Act::Approve => "approve",
            Act::ReportLeak => "report-leak",
            Act::Reveal => "reveal",
            Act::Delete => "delete",
        }
    }

    fn is_open(self, actions: Actions) -> bool {
        match self {
            Act::Edit => actions.edit,
            Act::Rotate => actions.rotate,
            Act::Revoke => actions.revoke,
            Act::Approve => actions.approve,
            Act::ReportLeak => actions.report_leak,
            Act::Reveal => actions.reveal,
            Act::Delete => actions.delete,
        }
    }

    /// Whether it shows a secret, and the policy wants to know to whom.
    fn takes_proof(self, policy: &Policy) -> bool {
        match self {
            Act::Reveal => policy.reveal_reauth,
            Act::Rotate => policy.create.reauth,
            _ => false,
        }
    }
}

/// Where one is led after something was done with a token.
pub(super) fn path(caller: &Caller, id: TokenId, done: &str) -> String {
    told(&format!("/{}/tokens/{id}", caller.account.id), done)
}

/// The page of something that cannot be done, or not any more.
pub(super) fn closed(tongue: Tongue, caller: &Caller, act: Act) -> Problem {
    let word = caller.account.policy.word("no_edit_sentence");
    let detail = match act {
        Act::Edit if !caller.account.policy.edit && !word.is_empty() => word.to_owned(),
        _ => tongue.say("act-closed").into_owned(),
    };
    Error::from(Refusal::wrong_state(detail)).into()
}

#[derive(Template)]
#[template(path = "tokens/act.html")]
struct Page<'a> {
    frame: Frame<'a>,
    act: &'static str,
    id: String,
    title: String,
    sentences: Vec<String>,
    button: String,
    /// It cannot be undone.
    danger: bool,
    reason: bool,
    /// The longest grace, in words, where there may be one.
    grace: Option<String>,
    /// What is typed to confirm: the label, and what it must be.
    confirm: Option<(String, String)>,
    reauth: Reauth,
    /// Of a form that makes something once.
    nonce: Option<String>,
    fields: Fields,
    wrong: Option<Wrong>,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        let shown = [
            ("reason", self.reason),
            ("grace", self.grace.is_some()),
            ("confirm", self.confirm.is_some()),
            ("password", self.reauth.asks),
            ("one_time_code", self.reauth.code),
        ];
        let beside = |wrong: &Wrong| shown.iter().any(|(name, there)| *there && wrong.is_of(name));
        let wrong = self.wrong.as_ref()?;
        let here = if field.is_empty() { !beside(wrong) } else { wrong.is_of(field) };
        here.then_some(wrong.text.as_str())
    }
}

async fn ask(call: Call<Signed, Within<TokenId>>, act: Act) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let Offered { shown, actions, .. } = house.desk.offered_token(caller, &caller.account.id, id).await?;
    if !act.is_open(actions) {
        return Err(closed(tongue, caller, act));
    }
    page(house, tongue, caller, act, &shown.token, Fields::default(), None).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    act: Act,
    token: &Token,
    mut fields: Fields,
    wrong: Option<Wrong>,
) -> Result<Reply, Problem> {
    let policy = &caller.account.policy;
    let frame = Frame::of(house, tongue, caller, Section::Tokens).await?;
    let name = token.name.clone();
    let word = |key: &str| frame.word(key).replace("{name}", &name);
    let say = |key: &str| tongue.say_of(key, &[("name", name.as_str().into())]).into_owned();
    let (title, sentence, button) = match act {
        Act::Edit | Act::Reveal => (say("reveal-title"), say("reveal-sentence"), word("reveal_button")),
        Act::Rotate => (say("rotate-title"), say("rotate-sentence"), word("rotate_button")),
        Act::Revoke => {
            let undone = policy.removal.contains(&domain::policy::Removal::Approve);
            let sentence = if undone { "revoke-sentence-undone" } else { "revoke-sentence" };
            (say("revoke-title"), say(sentence), word("revoke_confirm_button"))
        }
        Act::Approve => (say("approve-title"), say("approve-sentence"), word("approve_button")),
        Act::ReportLeak => (say("leak-title"), say("leak-sentence"), say("leak-button")),
        Act::Delete => (word("delete_title"), word("delete_sentence"), word("confirm_button")),
    };
    let mut sentences = vec![sentence];
    if policy.confirm.show_use && matches!(act, Act::Revoke | Act::Delete) {
        let used = house.desk.token_usage(caller.clone(), &caller.account.id, token.id, usage::DAYS).await?;
        sentences.insert(0, usage::consequence(tongue, &used, caller.now));
    }
    sentences.retain(|sentence| !sentence.is_empty());
    let expected = confirmation(policy, token).filter(|_| act == Act::Delete);
    let longest = policy.rotate.grace_max.as_ref().filter(|_| act == Act::Rotate);
    if longest.is_some() && fields.text("unit").is_empty() {
        fields.put("unit", "days");
        fields.put("count", "0");
    }
    let reauth = match &wrong {
        // What was typed was wrong, though it need not have been typed.
        Some(wrong) if reauth::is_about(wrong) => Reauth::always(house, caller).await?,
        _ => Reauth::of(house, caller, act.takes_proof(policy)).await?,
    };
    let page = Page {
        act: act.slug(),
        id: token.id.to_string(),
        reauth: reauth.but(wrong.as_ref()),
        reason: matches!(act, Act::Revoke | Act::ReportLeak),
        danger: matches!(act, Act::Revoke | Act::ReportLeak | Act::Delete),
        grace: longest.map(|longest| super::period_words(tongue, longest)),
        confirm: expected.map(|expected| {
            let label = match policy.confirm.mode {
                ConfirmMode::Word => {
                    let theirs = word("confirm_field");
                    let ours =
                        theirs == domain::preset::Preset::default_preset().policy.word("confirm_field");
                    let typed = [("word", expected.into())];
                    if ours { tongue.say_of("confirm-word", &typed).into_owned() } else { theirs }
                }
                _ => word("confirm_field"),
            };
            (label, expected.to_owned())
        }),
        nonce: (act == Act::Rotate).then(|| nonce(&house.desk, caller.now)),
        title,
        sentences,
        button,
        fields,
        wrong,
        frame,
    };
    Reply::page(&house.look, &page)
}

async fn carry_out(
    mut call: Call<Signed, Within<TokenId>, NoQuery, Fields>,
    act: Act,
) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account.id;
    let mut fields = std::mem::take(&mut call.body);
    let Offered { shown, .. } = house.desk.offered_token(caller, account, id).await?;
    let desk = &house.desk;
    let mut who = caller.clone();
    if act.takes_proof(&caller.account.policy) {
        who = match reauth::proved(house, tongue, caller, &mut fields).await? {
            Ok(proven) => proven,
            Err(wrong) => {
                let page = page(house, tongue, caller, act, &shown.token, fields, Some(wrong)).await?;
                return Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY));
            }
        };
    }
    let done = |done: &str| Ok(Reply::to(&house.look, &path(caller, id, done)));
    let error = match act {
        Act::Edit => return Err(closed(tongue, caller, act)),
        Act::Rotate => match rotate(&call, who, tongue, &fields).await? {
            Ok(reply) => return Ok(reply),
            Err(wrong) => {
                let page = page(house, tongue, caller, act, &shown.token, fields, Some(wrong)).await?;
                return Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY));
            }
        },
        Act::Revoke => match desk.revoke_token(who, account, id, fields.given("reason")).await {
            Ok(_) => return done("revoked"),
            Err(error) => error,
        },
        Act::Approve => match desk.approve_token(who, account, id).await {
            Ok(_) => return done("approved"),
            Err(error) => error,
        },
        Act::ReportLeak => match desk.report_leak(who, account, id, fields.given("reason")).await {
            Ok(_) => return done("leaked"),
            Err(error) => error,
        },
        Act::Reveal => match desk.reveal_token(who, account, id, None).await {
            Ok(text) => return once::revealed(house, tongue, caller, &shown.token.name, &text).await,
            Err(error) => error,
        },
        Act::Delete => {
            // As it was typed: a name may begin with anything but space.
            let confirm = fields.given("confirm");
            match desk.delete_token(who, account, id, confirm).await {
                Ok(_) => {
                    let list = format!("/{account}/tokens");
                    return Ok(Reply::to(&house.look, &told(&list, "deleted")));
                }
                Err(error) => error,
            }
        }
    };
    let wrong = form::again(tongue, error)?;
    let page = page(house, tongue, caller, act, &shown.token, fields, Some(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

/// The new token's secret; or what is wrong with what was asked.
async fn rotate(
    call: &Call<Signed, Within<TokenId>, NoQuery, Fields>,
    who: Caller,
    tongue: Tongue,
    fields: &Fields,
) -> Result<Result<Reply, Wrong>, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let route = format!("tokens/{id}/rotate");
    let Some(sent) = Once::read(&house.desk, caller, &route, fields.text("form")) else {
        return Ok(Err(Wrong::new("", tongue.say("form-old"))));
    };
    if let Some(made) = sent.made(&house.desk).await? {
        return once::made_before(house, tongue, caller, made).await.map(Ok);
    }
    let grace = match fields.text("count") {
        "" | "0" => None,
        _ => match form::period(fields) {
            Some(grace) => Some(grace),
            None => return Ok(Err(Wrong::new("grace", tongue.say("wrong-period")))),
        },
    };
    let account = &caller.account.id;
    match house.desk.rotate_token(who, account, id, grace, Some(sent.replay)).await {
        Ok(issued) => once::page(house, tongue, caller, &call.parts.headers, issued).await.map(Ok),
        Err(Error::Refused(refusal)) if refusal.code == Code::WrongState => {
            // The same form, sent twice at once.
            if let Some(sent) = Once::read(&house.desk, caller, &route, fields.text("form"))
                && let Some(made) = sent.made(&house.desk).await?
            {
                return once::made_before(house, tongue, caller, made).await.map(Ok);
            }
            Ok(Err(Wrong::of(tongue, &refusal)))
        }
        Err(error) => form::again(tongue, error).map(Err),
    }
}
