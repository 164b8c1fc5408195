//! What an operator does to a store as a whole, beside the server rather than through it. One file
//! a command.

pub(crate) mod admin;
pub(crate) mod backup;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod restore;
pub(crate) mod transfer;
