//! How a server begins: its preset, its place, and what differs from the usual.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;

use crate::{Place, Postgres, Server};

/// How to start a server that differs from the usual one.
#[derive(Clone)]
pub struct Begin {
    pub(crate) place: Place,
    /// One that was made before; otherwise each server makes its own.
    pub(crate) postgres: Option<Arc<Postgres>>,
    pub(crate) preset: String,
    pub(crate) initialise: bool,
    pub(crate) arguments: Vec<String>,
    /// A program that runs `serve`, and its arguments. Empty: nobody does.
    pub(crate) under: Vec<String>,
    pub(crate) environment: HashMap<String, String>,
    pub(crate) configuration: String,
    /// A socket that is passed on, so that it stays open while nobody serves.
    pub(crate) socket: Option<Arc<TcpListener>>,
}

impl Begin {
    pub fn preset(preset: &str) -> Begin {
        Begin {
            place: Place::chosen(),
            postgres: None,
            preset: preset.to_owned(),
            initialise: true,
            arguments: Vec::new(),
            under: Vec::new(),
            environment: HashMap::new(),
            configuration: String::new(),
            socket: None,
        }
    }

    /// Leaves the database empty: `serve` prints a set-up link and nobody can sign in.
    pub fn empty(mut self) -> Begin {
        self.initialise = false;
        self
    }

    /// One more argument of `serve`.
    pub fn argument(mut self, argument: &str) -> Begin {
        self.arguments.push(argument.to_owned());
        self
    }

    /// One more variable in the environment of every command.
    pub fn variable(mut self, name: &str, value: &str) -> Begin {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// On this database, whatever place was chosen for the others; as one process.
    pub fn on(mut self, postgres: Arc<Postgres>) -> Begin {
        self.place = Place::Postgres;
        self.postgres = Some(postgres);
        self
    }

    /// In this place, whatever was chosen for the others. After `on`: as so many processes over that
    /// database.
    pub fn at(mut self, place: Place) -> Begin {
        self.place = place;
        self
    }

    /// `serve` is run by this program, which becomes the server as `exec` does: a tool that looks
    /// into it.
    pub fn under(mut self, command: &[&str]) -> Begin {
        self.under = command.iter().map(|part| (*part).to_owned()).collect();
        self
    }

    /// The text of `jeton.toml`.
    pub fn configuration(mut self, toml: &str) -> Begin {
        self.configuration = toml.to_owned();
        self
    }

    /// `serve` is handed this socket as a service manager would, and does not listen by itself.
    pub fn listening_on(mut self, socket: Arc<TcpListener>) -> Begin {
        self.socket = Some(socket);
        self
    }

    pub fn start(self) -> Server {
        Server::begin(self)
    }
}
