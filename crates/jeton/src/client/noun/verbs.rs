//! The verbs that most nouns have, and what they take.

use std::marker::PhantomData;

use clap::Args;
use serde::Serialize;

use super::{Noun, PageArgs, Place};
use crate::client::http::Request;
use crate::client::input;
use crate::exit::Failure;

/// `list`
#[derive(Debug, Args)]
pub struct ListArgs<T: Noun> {
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    place: T::Place,
}

/// A verb about one thing.
#[derive(Debug, Args)]
pub struct OneArgs<T: Noun> {
    #[arg(value_name = T::VALUE, help = T::ID)]
    pub id: String,
    #[command(flatten)]
    pub place: T::Place,
    #[arg(skip)]
    noun: PhantomData<fn() -> T>,
}

/// A verb after which something no longer works.
#[derive(Debug, Args)]
pub struct EndArgs<T: Noun> {
    #[arg(value_name = T::VALUE, help = T::ID)]
    pub id: String,
    #[command(flatten)]
    pub yes: YesArgs,
    #[command(flatten)]
    pub place: T::Place,
    #[arg(skip)]
    noun: PhantomData<fn() -> T>,
}

/// The answer to "are you sure?" beforehand.
#[derive(Debug, Args)]
pub struct YesArgs {
    /// Do not ask whether to do it.
    #[arg(long)]
    pub yes: bool,
}

impl YesArgs {
    /// Asks before something that another command can undo. Where nobody can be asked, the command
    /// itself is the answer: what stops in an emergency must not wait for a flag.
    ///
    /// # Errors
    /// When the answer is not yes.
    pub fn ask(&self, question: &str) -> Result<(), Failure> {
        input::confirm(question, self.yes || !input::a_person_is_there())
    }

    /// Asks before something that nothing can undo.
    ///
    /// # Errors
    /// When the answer is not yes; usage, when nobody can be asked.
    pub fn insist(&self, question: &str) -> Result<(), Failure> {
        input::confirm(question, self.yes)
    }
}

/// # Errors
/// As [`super::list`] says.
pub fn list<T: Noun>(args: &ListArgs<T>) -> Result<(), Failure> {
    let mut desk = args.place.open()?;
    let route = T::Place::route(&mut desk, &[T::ROUTE])?;
    super::list::<T>(&mut desk, &Request::get(route), &args.page, args.place.json())
}

/// # Errors
/// What the server refuses.
pub fn show<T: Noun>(args: &OneArgs<T>) -> Result<(), Failure> {
    let mut desk = args.place.open()?;
    let route = T::Place::route(&mut desk, &[T::ROUTE, &args.id])?;
    super::show::<T>(&desk.send(&Request::get(route))?, args.place.json())
}

/// Makes one; should the answer be lost on the way it is asked for again, and still made once.
///
/// # Errors
/// What the server refuses.
pub fn create<T: Noun>(place: &T::Place, body: &impl Serialize) -> Result<(), Failure> {
    let mut desk = place.open()?;
    let route = T::Place::route(&mut desk, &[T::ROUTE])?;
    let answer = desk.send(&Request::post(route, body).once())?;
    super::report::<T>(&answer, place.json(), "created", T::ONE)
}

/// Changes what the body names.
///
/// # Errors
/// Usage, when that is nothing; what the server refuses.
pub fn edit<T: Noun, B: Serialize>(place: &T::Place, id: &str, body: &B) -> Result<(), Failure> {
    must_change(body)?;
    let mut desk = place.open()?;
    let route = T::Place::route(&mut desk, &[T::ROUTE, id])?;
    let answer = desk.send(&Request::patch(route, body))?;
    super::report::<T>(&answer, place.json(), "changed", id)
}

/// Refuses an edit of nothing before it is sent.
///
/// # Errors
/// Usage, when the body names nothing but the version that must not have changed.
pub fn must_change(body: &impl Serialize) -> Result<(), Failure> {
    let empty = serde_json::to_value(body)
        .is_ok_and(|body| body.as_object().is_some_and(|fields| fields.keys().all(|name| name == "version")));
    match empty {
        true => Err(Failure::usage("nothing to change was named").help("see --help for what can be")),
        false => Ok(()),
    }
}

/// Something that can be done to a thing and has no more to say: `POST …/{id}/{verb}`.
///
/// # Errors
/// What the server refuses.
pub fn act<T: Noun>(place: &T::Place, id: &str, verb: &str, done: &str) -> Result<(), Failure> {
    let mut desk = place.open()?;
    let route = T::Place::route(&mut desk, &[T::ROUTE, id, verb])?;
    let answer = desk.send(&Request::post(route, &api::Empty {}))?;
    super::report::<T>(&answer, place.json(), done, id)
}

/// Stops a thing until the verb's opposite.
///
/// # Errors
/// When the person does not want it; what the server refuses.
pub fn deactivate<T: Noun>(args: &EndArgs<T>) -> Result<(), Failure> {
    args.yes.ask(&format!("deactivate {}?", args.id))?;
    act::<T>(&args.place, &args.id, "deactivate", "deactivated")
}

/// # Errors
/// What the server refuses.
pub fn reactivate<T: Noun>(args: &OneArgs<T>) -> Result<(), Failure> {
    act::<T>(&args.place, &args.id, "reactivate", "reactivated")
}

/// Takes a thing away for good: `DELETE …/{id}`. `verb` and `done` are what this noun calls it.
///
/// # Errors
/// When the person does not want it, or cannot be asked; what the server refuses.
pub fn remove<T: Noun>(args: &EndArgs<T>, verb: &str, done: &str) -> Result<(), Failure> {
    args.yes.insist(&format!("{verb} {}?", args.id))?;
    let mut desk = args.place.open()?;
    let route = T::Place::route(&mut desk, &[T::ROUTE, &args.id])?;
    let answer = desk.send(&Request::delete(route))?;
    super::report::<T>(&answer, args.place.json(), done, &args.id)
}
