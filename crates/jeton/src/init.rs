//! `jeton init` and `jeton setup-link`: the beginning of a server, from the machine itself.

use service::Password;
use service::founding::{Begun, Founding};
use store::place::Place;

use crate::cli::{self, InitArgs, SetupLinkArgs};
use crate::client::{input, output};
use crate::config::Config;
use crate::exit::Failure;
use crate::{access, serve, wiring};

/// Makes the first account, its administrator, a token and a service's key, and prints them once.
pub(crate) fn init(args: &InitArgs, config: Config) -> Result<(), Failure> {
    serve::must_know(&config)?;
    let password = input::secret(&args.password_file, "password")?;
    let account = cli::account(&args.account)?;
    let founding = Founding {
        account,
        name: args.account.clone(),
        admin_name: args.admin.split('@').next().unwrap_or_default().to_owned(),
        admin_email: args.admin.clone(),
        preset: config.server_preset.0.clone(),
    };
    wiring::block_on(async {
        let desk = wiring::open(&config).await?;
        let begun = desk.begin(founding, Password::new(password.expose().to_owned()), None).await;
        desk.store().close().await;
        let begun = begun?;
        if args.json {
            return output::data(&as_json(&begun));
        }
        for (what, value) in [
            ("account", begun.account.id.as_str()),
            ("member", &begun.member.id.to_string()),
            ("token", begun.token.expose()),
            ("service's key", begun.service_key.expose()),
        ] {
            output::data(&format!("{what:<14} {value}"))?;
        }
        output::say("You cannot see the token and the key again. Keep them where you keep secrets.");
        let place = access::place(&config);
        output::say(&format!("The data is in {}.", wiring::shown(&place)));
        if let Place::Postgres(_) = place {
            output::say(&format!(
                "The key file is {}. Every peer needs a copy of it, and what is sealed in the database opens only with it.",
                config.keys_file.display()
            ));
        }
        Ok(())
    })
}

/// Prints a fresh set-up link of a server that has no account yet.
pub(crate) fn setup_link(args: &SetupLinkArgs, config: Config) -> Result<(), Failure> {
    wiring::block_on(async {
        let desk = wiring::open(&config).await?;
        let secret = desk.setup_link().await;
        desk.store().close().await;
        let begun = || Failure::failed("there is an account already; sign in instead");
        let secret = secret?.ok_or_else(begun)?;
        let link = serve::link(&config, config.server_listen, &secret);
        match args.json {
            true => output::data(&serde_json::json!({ "setup_link": link }).to_string()),
            false => output::data(&link),
        }
    })
}

/// One line, in the order in which the documentation names the fields.
fn as_json(begun: &Begun) -> String {
    #[derive(serde::Serialize)]
    struct Printed<'a> {
        account: &'a str,
        member: String,
        token: &'a str,
        service_key: &'a str,
    }
    let printed = Printed {
        account: begun.account.id.as_str(),
        member: begun.member.id.to_string(),
        token: begun.token.expose(),
        service_key: begun.service_key.expose(),
    };
    serde_json::to_string(&printed).expect("four strings are plain data")
}
