//! Mails: how they read, in which languages, and how they get to a mail server.
//!
//! What is said to whom is decided before, as a [`domain::mail::Mail`]; here it becomes a message
//! ([`Writer`]) and is handed to a mail server over SMTP ([`Post`]). Whether it is to be sent at all, again,
//! or never, and every row that says so, are elsewhere: this crate knows no store, no clock and no
//! environment. What an operator may say of it is read in [`place`] and [`templates`].

pub mod place;
mod post;
pub mod templates;
mod words;
mod writer;

pub use place::{Place, Sender};
pub use post::{Post, Undelivered};
pub use templates::Templates;
pub use words::Language;
pub use writer::{Style, Writer, Written};
