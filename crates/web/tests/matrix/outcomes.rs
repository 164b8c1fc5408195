//! Role by route by outcome, as a file for whoever reviews who may do what: every route is really
//! called by everybody, on things made for that one call.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::calls::{Caller, Operation, Stage, operations, text, unknown};
use crate::common::{ADMIN, World};

/// Everybody, in the order of the columns.
struct Cast {
    columns: Vec<(&'static str, Caller)>,
}

const ROLES: [&str; 4] = ["Viewer", "Member", "Admin", "Owner"];
const SCOPES: [&str; 4] = ["verify", "introspect", "provision", "act_as"];

impl Cast {
    async fn of(stage: &Stage<'_>) -> Cast {
        let mut columns = vec![("nobody", Caller::default())];
        for role in ROLES {
            let email = stage.person(role).await;
            let credential = stage.signed_in(&email).await;
            columns.push((role, Caller { credential, email: Some(email), ..Caller::default() }));
        }
        // The first administrator is an Owner, and the server's operator.
        let session = stage.signed_in(ADMIN).await;
        columns.push((
            "operator",
            Caller { credential: session, email: Some(ADMIN.into()), ..Caller::default() },
        ));
        let owner = columns[4].1.clone();
        let token = stage.token_of(&owner.credential).await;
        columns.push(("read", Caller { credential: text(&token, "secret"), ..owner }));
        for scope in SCOPES {
            let body = json!({ "name": scope, "scopes": [scope] });
            let made = stage.world.post(&stage.world.admin, "/v1/services", body).await.ok(201);
            columns.push((scope, Caller { credential: text(&made, "secret"), ..Caller::default() }));
        }
        let (viewer, service) = (columns[1].1.clone(), columns.last().unwrap().1.clone());
        let me = stage.world.get(&viewer.credential, "/v1/tokens/self").await.ok(200);
        let acts_for = Some(text(&me["holder"], "id"));
        columns.push(("for-Viewer", Caller { acts_for, email: viewer.email, ..service }));
        Cast { columns }
    }
}

/// Some routes end what the caller came with; that is then a credential of its own.
async fn with_own_credential(stage: &Stage<'_>, operation: &Operation, column: &str, by: &Caller) -> Caller {
    let ends_it = operation.path.contains("/self") && operation.method.as_str() != "GET";
    match &by.email {
        Some(email) if ends_it && column != "for-Viewer" => {
            let session = stage.signed_in(email).await;
            let credential = match column {
                "read" => text(&stage.token_of(&session).await, "secret"),
                _ => session,
            };
            Caller { credential, ..by.clone() }
        }
        _ => by.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_has_the_outcome_of_the_list_on_every_route() {
    let world = World::of("default").await;
    let stage = Stage::set(&world, "acme").await;
    let cast = Cast::of(&stage).await;
    let mut list = format!("{:<80}", "");
    for (name, _) in &cast.columns {
        write!(list, " {name:>10}").unwrap();
    }
    list.push('\n');
    for operation in operations(&world).await {
        // Of what belongs to people there are two rows: theirs, and one's own.
        let owned = ["/tokens/{id}", "/sessions/{id}"].iter().any(|part| operation.path.contains(part));
        let rows: &[(&str, bool)] =
            if owned { &[("another's", false), ("one's own", true)] } else { &[("", false)] };
        for (whose, own) in rows {
            write!(list, "{:<7}{:<63}{whose:<10}", operation.method.as_str(), operation.path).unwrap();
            for (column, by) in &cast.columns {
                let by = with_own_credential(&stage, &operation, column, by).await;
                let call = stage
                    .call(&operation, &by, *own)
                    .await
                    .unwrap_or_else(|| panic!("{}", unknown(&operation)));
                let reply = by.calls(&world, &operation.method, &call).await;
                let status = reply.status.as_u16();
                assert!(status < 500, "{} as {column}: {}", operation.name(), reply.text);
                assert_well_formed(&operation, column, status, &reply.json);
                write!(list, " {status:>10}").unwrap();
            }
            list.push('\n');
        }
    }
    let expected = include_str!("../outcomes.txt");
    if list != expected {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outcomes.txt");
        std::fs::write(&kept, &list).unwrap();
        let differing = list.lines().filter(|line| !expected.contains(line)).collect::<Vec<_>>().join("\n");
        panic!(
            "tests/outcomes.txt is read by whoever reviews who may do what. If this is right, put {} in its place:\n{differing}",
            kept.display()
        );
    }
}

/// A refusal of the call's form would tell nothing about who may call.
#[track_caller]
fn assert_well_formed(operation: &Operation, column: &str, status: u16, told: &Value) {
    let ill_formed = status == 400 && column != "act_as" && column != "for-Viewer";
    assert!(!ill_formed && status != 415, "{} as {column} was not well formed: {told}", operation.name());
}
