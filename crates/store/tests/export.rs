//! An export has everything but secrets, and is the same from either backend.

#[path = "conformance/place.rs"]
mod place;
#[path = "transfer/rich.rs"]
mod rich;
#[path = "conformance/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::io;

use domain::change::{Change, Entry};
use place::Postgres;
use rich::{Rich, behind, open};
use serde_json::{Value, json};
use store::place::Access;
use store::{ExportError, MoveError, canonical, entry_hash, entry_text, export, transfer};
use world::{Backend, entry};

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

async fn exported(access: &Access) -> Vec<Value> {
    let mut lines = Vec::new();
    let take = |line: &str| {
        lines.push(serde_json::from_str(line).unwrap());
        Ok(())
    };
    let counts = export(access, take).await.unwrap();
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>() + 1, lines.len() as u64);
    lines
}

/// Columns that stay where they are: secrets, what follows from other columns, and what is nobody's fact.
const STAY: [&str; 12] = [
    "person.password",
    "person.factor_secret",
    "person.factor_step",
    "person.factor_recovery",
    "token.digest",
    "service.digest",
    "holder.role",
    "journal.touched",
    "webhook.nonce",
    "webhook.secret",
    "webhook.older_nonce",
    "webhook.older_secret",
];
const TABLES_STAY: [&str; 10] = [
    "sealed",
    "foreign_make",
    "foreign_key",
    "remembered",
    "setup_link",
    "link",
    "key_check",
    "head",
    "migration",
    "narrowing",
];

#[test]
fn every_column_is_exported_or_known_to_stay() {
    run(async {
        let rich = Rich::new().await;
        let lines = exported(&rich.access()).await;
        let has: BTreeSet<String> = lines
            .iter()
            .flat_map(|line| {
                let kind = line["kind"].as_str().unwrap();
                line["row"].as_object().unwrap().keys().map(move |column| format!("{kind}.{column}"))
            })
            .collect();
        let db = behind(rich.home.path());
        let sql = "SELECT t.name, c.name FROM pragma_table_list() AS t, pragma_table_xinfo(t.name) AS c
                   WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' AND c.hidden = 0";
        let mut columns = db.prepare(sql).unwrap();
        let all =
            columns.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
        for (table, column) in all.map(Result::unwrap) {
            let name = format!("{table}.{column}");
            let stays = TABLES_STAY.contains(&table.as_str()) || STAY.contains(&name.as_str());
            assert!(
                has.contains(&name) != stays,
                "{name}: named in the export, or in the list of what stays"
            );
        }
    });
}

#[test]
fn an_export_reads_well_holds_no_secret_and_is_the_same_from_either_backend() {
    run(async {
        let rich = Rich::new().await;
        // A server has it open meanwhile.
        let store = open(&rich.access()).await;
        let lines = exported(&rich.access()).await;
        store.close().await;
        assert_eq!((&lines[0]["kind"], &lines[0]["row"]["seq"]), (&"export".into(), &7.into()));
        let of = |kind: &str| {
            lines.iter().filter(|line| line["kind"] == kind).map(|line| &line["row"]).collect::<Vec<_>>()
        };
        assert_eq!(of("journal").len(), 7);
        assert_eq!(of("account")[0]["created_at"], "2026-01-01T00:00:00.000000Z");
        let desk = of("account").iter().map(|row| row["roles"][0]["permissions"][0].clone()).next().unwrap();
        assert_eq!(desk, "tokens:create", "names, where the database has digits");
        assert_eq!(of("person")[0]["operator"], true);
        assert_eq!(of("token").len(), rich.tokens.len());
        let text: String = lines.iter().map(Value::to_string).collect();
        assert!(!text.contains("argon2id") && !text.contains("$2b$"));
        for token in &rich.tokens {
            let digest: String = token.digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(!text.contains(&digest));
        }
        let there = Postgres::new().await;
        transfer(&rich.access(), &there.access()).await.unwrap();
        let sorted = |lines: Vec<Value>| lines.iter().map(Value::to_string).collect::<BTreeSet<String>>();
        assert_eq!(sorted(exported(&there.access()).await), sorted(lines));
    });
}

#[test]
fn what_an_entry_says_is_exported_as_it_was_hashed_whatever_it_looks_like() {
    run(async {
        let rich = Rich::new().await;
        let store = open(&rich.access()).await;
        // A digest, and what somebody gave their token as metadata: both have the form of a set of permissions.
        let digits = "3".repeat(64);
        let payload = json!({ "digests": digits, "metadata": { "x": [digits] } });
        store.commit(Change::default().entry(Entry { payload: payload.clone(), ..entry() })).await.unwrap();
        store.close().await;
        let lines = exported(&rich.access()).await;
        let last = &lines.iter().rfind(|line| line["kind"] == "journal").unwrap()["row"];
        assert_eq!(last["payload"], payload);
        let field = |name: &str| last[name].as_str().unwrap();
        let salt: Vec<u8> =
            (0..16).map(|n| u8::from_str_radix(&field("salt")[2 * n..2 * n + 2], 16).unwrap()).collect();
        let text = entry_text(
            field("at").parse().unwrap(),
            field("actor"),
            last["account"].as_str(),
            field("action"),
            field("subject"),
            &canonical(&last["payload"]),
            &salt.try_into().unwrap(),
        );
        let hash: String = entry_hash(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, field("entry_hash"), "whoever audits the export finds the hash that was written");
    });
}

#[test]
fn an_export_that_cannot_be_written_or_read_says_so() {
    run(async {
        let rich = Rich::new().await;
        let full = export(&rich.access(), |_| Err(io::ErrorKind::StorageFull.into())).await.unwrap_err();
        assert!(matches!(full, ExportError::Io(_)), "{full}");
        let nowhere = tempfile::TempDir::new().unwrap();
        let absent = export(&rich::directory(nowhere.path()), |_| Ok(())).await.unwrap_err();
        assert!(matches!(absent, ExportError::Store(MoveError::Absent { .. })), "{absent}");
    });
}
