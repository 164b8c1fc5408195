//! Lists: what is in them, and in what order.

use domain::change::Write;
use domain::facts::{Holder, Installation, Token};
use domain::grant::Grant;
use domain::ids::InstallationId;
use domain::life::Lens;
use domain::usage::Usage;
use store::{After, HolderKind, HolderQuery, LastUse, Sort, TokenQuery};
use token::{Kind, SystemEntropy};

use crate::world::*;

pub(crate) async fn pages_follow_one_another_in_every_order<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let mut uses = Vec::new();
    for n in 0..23i64 {
        let mut token = token(&holder, Kind::Pat);
        // Many equals, so that the id has to decide.
        token.name = ["b", "a", "B", "ä"][n as usize % 4].into();
        token.life.created_at = at(n / 5);
        token.life.expires_at = (n % 3 > 0).then(|| at(DAY + n / 6));
        world.write([insert(&token)]).await;
        if n % 2 == 0 {
            uses.push(Usage { token: token.id, last: Some((at(n / 4), None)), counts: vec![] });
        }
    }
    world.store.record_usage(uses).await.unwrap();

    let lens = Lens::of(&account, world.now());
    let every = world.store.tokens(&account.id, TokenQuery::all(lens, 100)).await.unwrap();
    assert_eq!(every.len(), 23);
    for sort in [Sort::Name, Sort::ExpiresAt, Sort::CreatedAt, Sort::LastUsedAt, Sort::Id] {
        for descending in [false, true] {
            let mut expected = every.clone();
            expected.sort_by(|(a, of_a), (b, of_b)| {
                let order = match sort {
                    Sort::Name => a.name.as_bytes().cmp(b.name.as_bytes()),
                    Sort::CreatedAt => a.life.created_at.cmp(&b.life.created_at),
                    // Never expiring comes last, never used first.
                    Sort::ExpiresAt => {
                        let end = |token: &Token| (token.life.expires_at.is_none(), token.life.expires_at);
                        end(a).cmp(&end(b))
                    }
                    Sort::LastUsedAt => of_a.at.cmp(&of_b.at),
                    Sort::Id => std::cmp::Ordering::Equal,
                };
                let order = order.then(a.id.to_string().cmp(&b.id.to_string()));
                if descending { order.reverse() } else { order }
            });
            let mut paged: Vec<(Token, LastUse)> = Vec::new();
            loop {
                // As a cursor carries it.
                let after = paged.last().map(|(token, last)| After::row(sort, token, last));
                let text = serde_json::to_string(&after).unwrap();
                let after: Option<After> = serde_json::from_str(&text).unwrap();
                let query = TokenQuery { sort, descending, after, ..TokenQuery::all(lens, 4) };
                let page = world.store.tokens(&account.id, query).await.unwrap();
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            let ids = |list: &[(Token, LastUse)]| list.iter().map(|(t, _)| t.id).collect::<Vec<_>>();
            assert_eq!(ids(&paged), ids(&expected), "{sort:?} descending: {descending}");
        }
    }
}

pub(crate) async fn filters_find_what_they_say<B: Backend>(world: World<B>) {
    let (account, ada) = world.family().await;
    let bot = service_account(&account);
    world.write([Write::InsertHolder(bot.clone())]).await;
    let role = account.roles[1].id;
    let of_ada = Token { grant: Grant::Role(role), ..token(&ada, Kind::Pat) };
    let of_bot = Token { issued_by: ada.id, ..token(&bot, Kind::Sat) };
    let session = token(&ada, Kind::Ses);
    world.write([insert(&of_ada), insert(&of_bot), insert(&session)]).await;

    let all = TokenQuery::all(Lens::of(&account, world.now()), 10);
    let found = async |query: TokenQuery| {
        let mut ids: Vec<_> = world.store.tokens(&account.id, query).await.unwrap();
        ids.sort_by_key(|(token, _)| token.number);
        ids.iter().map(|(token, _)| token.id).collect::<Vec<_>>()
    };
    let query = || all.clone();
    assert_eq!(found(query()).await, [of_ada.id, of_bot.id, session.id]);
    assert_eq!(found(TokenQuery { holder: Some(bot.id), ..query() }).await, [of_bot.id]);
    assert_eq!(found(TokenQuery { issued_by: Some(bot.id), ..query() }).await, []);
    assert_eq!(found(TokenQuery { role: Some(role), ..query() }).await, [of_ada.id]);
    assert_eq!(
        found(TokenQuery { kinds: vec![Kind::Ses, Kind::Sat], ..query() }).await,
        [of_bot.id, session.id]
    );
    let both = TokenQuery { issued_by: Some(ada.id), kinds: vec![Kind::Pat, Kind::Sat], ..query() };
    assert_eq!(found(both).await, [of_ada.id, of_bot.id]);
}

pub(crate) async fn tokens_of_a_part_of_the_tree_are_found_and_those_beside_it_are_not<B: Backend>(
    world: World<B>,
) {
    let (account, holder) = world.family().await;
    for path in ["/", "/sales", "/sales/prod", "/sales-2", "/lab"] {
        let there = Token { name: path.into(), node: path.parse().unwrap(), ..token(&holder, Kind::Pat) };
        world.write([insert(&there)]).await;
    }
    for (part, expected) in
        [("/sales", &["/sales", "/sales/prod"][..]), ("/sales/prod", &["/sales/prod"]), ("/sal", &[])]
    {
        let node = Some(part.parse().unwrap());
        let all = TokenQuery::all(Lens::of(&account, world.now()), 10);
        let query = TokenQuery { node, sort: Sort::Name, descending: false, ..all };
        let found = world.store.tokens(&account.id, query).await.unwrap();
        let found: Vec<&str> = found.iter().map(|(token, _)| token.name.as_str()).collect();
        assert_eq!(found, expected, "{part}");
    }
}

pub(crate) async fn nodes_and_installations_are_read_a_page_at_a_time<B: Backend>(world: World<B>) {
    let (account, _) = world.family().await;
    let store = &world.store;
    let paths = ["/a", "/a/b", "/a-b", "/c"].map(|path| node(&account.id, path));
    let mut installations: Vec<Installation> = (0..4)
        .map(|n| Installation {
            id: InstallationId::draw(&SystemEntropy),
            account: account.id.clone(),
            name: format!("eu-{n}"),
            nodes: Vec::new(),
            created_at: at(5),
            version: 0,
        })
        .collect();
    world.write(paths.map(Write::InsertNode)).await;
    world.write(installations.iter().cloned().map(Write::InsertInstallation)).await;
    installations.sort_by_key(|installation| installation.id.to_string());

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.nodes(&account.id, after.as_ref(), 3).await.unwrap();
        assert!(page.len() <= 3);
        after = page.last().map(|node| node.path.clone());
        seen.extend(page.into_iter().map(|node| node.path.to_string()));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["/a", "/a-b", "/a/b", "/c"]);

    let expected: Vec<_> = installations.iter().map(|installation| installation.id).collect();
    let first = store.installations(&account.id, None, 3).await.unwrap();
    let rest = store.installations(&account.id, Some(expected[2]), 3).await.unwrap();
    let seen: Vec<_> = first.iter().chain(&rest).map(|installation| installation.id).collect();
    assert_eq!((first.len(), seen), (3, expected));
}

pub(crate) async fn a_search_takes_the_text_as_it_is_written<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    for name in ["100% sure", "100 percent", "a_b", "aXb", r"back\slash", "Straße"] {
        world.write([insert(&Token { name: name.into(), ..token(&holder, Kind::Pat) })]).await;
    }
    let named = world.token(&holder).await;
    let lens = Lens::of(&account, world.now());
    let found = async |text: &str| {
        let query = TokenQuery { text: Some(text.into()), ..TokenQuery::all(lens, 10) };
        let mut names: Vec<String> = world
            .store
            .tokens(&account.id, query)
            .await
            .unwrap()
            .into_iter()
            .map(|(token, _)| token.name)
            .collect();
        names.sort();
        names
    };
    assert_eq!(found("100%").await, ["100% sure"]);
    assert_eq!(found("a_b").await, ["a_b"]);
    assert_eq!(found("A_B").await, ["a_b"]);
    assert!(found("a\0b").await.is_empty(), "no name has it, and it is no error of the store");
    assert_eq!(found(r"k\s").await, [r"back\slash"]);
    assert_eq!(found("raße").await, ["Straße"]);
    assert_eq!(found(&named.id.to_string()).await, [named.name]);
    assert!(found("' OR 1=1 --").await.is_empty());
}

pub(crate) async fn holders_are_listed_by_kind_and_without_those_who_left<B: Backend>(world: World<B>) {
    let (account, ada) = world.family().await;
    let bot = service_account(&account);
    let mut left = member(&account);
    left.standing.removed_at = Some(at(1));
    world.write([Write::InsertHolder(bot.clone()), Write::InsertHolder(left.clone())]).await;
    let list = async |query: HolderQuery| -> Vec<_> {
        let holders: Vec<Holder> = world.store.holders(&account.id, query).await.unwrap();
        holders.into_iter().map(|holder| holder.id).collect()
    };
    let every = HolderQuery { kind: None, after: None, limit: 10, include_removed: false };
    assert_eq!(list(every).await, [ada.id, bot.id]);
    assert_eq!(list(HolderQuery { kind: Some(HolderKind::ServiceAccount), ..every }).await, [bot.id]);
    let mut members = vec![ada.id, left.id];
    members.sort_by_key(ToString::to_string);
    let all = HolderQuery { kind: Some(HolderKind::Member), include_removed: true, ..every };
    assert_eq!(list(all).await, members);
    assert_eq!(list(HolderQuery { limit: 1, ..all }).await, members[..1]);
    assert_eq!(list(HolderQuery { after: Some(members[0]), ..all }).await, members[1..]);
}
