//! Sessions over keys of several columns that share one of them: `tenant` is part of each primary key and of several keys
//! of other rows.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::prelude::*;
use relata_tests::on_every_database;
use rust_decimal::Decimal;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "items", many_to_many(labels: Label, through = ItemLabel))]
struct Item {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key, length = 20)]
    sku: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "labels", many_to_many(items: Item, through = ItemLabel))]
struct Label {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key, length = 20)]
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "item_labels",
    foreign_key(tenant, sku, references = (Item::tenant, Item::sku)),
    foreign_key(tenant, label, references = (Label::tenant, Label::name))
)]
struct ItemLabel {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key, length = 20)]
    sku: String,
    #[column(primary_key, length = 20)]
    label: String,
}

/// Refers to its own kind.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "nodes",
    foreign_key(tenant, parent_sku, references = (Node::tenant, Node::sku)),
    belongs_to(parent: Node, key = (tenant, parent_sku))
)]
struct Node {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key, length = 20)]
    sku: String,
    #[column(length = 20)]
    parent_sku: Option<String>,
}

/// Has two keys that share a column.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "stocks",
    foreign_key(tenant, sku, references = (Item::tenant, Item::sku)),
    foreign_key(tenant, label_name, references = (Label::tenant, Label::name)),
    belongs_to(item: Item, key = (tenant, sku)),
    belongs_to(label: Label, key = (tenant, label_name))
)]
struct Stock {
    #[column(primary_key)]
    id: i64,
    tenant: Option<i64>,
    #[column(length = 20)]
    sku: Option<String>,
    #[column(length = 20)]
    label_name: Option<String>,
}

/// Has a column that cannot be NULL beside one that can.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "memos", belongs_to(item: Item, key = (tenant, sku)))]
struct Memo {
    #[column(primary_key)]
    id: i64,
    tenant: i64,
    #[column(length = 20)]
    sku: Option<String>,
}

/// Has a key that the database makes.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "firms")]
struct Firm {
    #[column(primary_key)]
    id: i64,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "teams",
    foreign_key(firm_id, parent, references = (Team::firm_id, Team::name)),
    belongs_to(above: Team, key = (firm_id, parent))
)]
struct Team {
    #[column(primary_key, references = Firm::id)]
    firm_id: i64,
    #[column(primary_key, length = 20)]
    name: String,
    #[column(length = 20)]
    parent: Option<String>,
}

/// Shares a number, which can be written in more than one way.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "grades",
    foreign_key(level, above, references = (Grade::level, Grade::name)),
    belongs_to(next: Grade, key = (level, above))
)]
struct Grade {
    #[column(primary_key)]
    level: Decimal,
    #[column(primary_key, length = 20)]
    name: String,
    #[column(length = 20)]
    above: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "shelves")]
struct Shelf {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key, length = 20)]
    code: String,
    #[column(unique, length = 20)]
    place: Option<String>,
}

/// Has a key that follows the one of a shelf.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "bins",
    foreign_key(tenant, shelf, references = (Shelf::tenant, Shelf::code), on_update = "cascade")
)]
struct Bin {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key, length = 20)]
    shelf: String,
    #[column(primary_key)]
    number: i64,
    note: String,
}

/// Has a key that follows the one of a bin.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "things",
    foreign_key(tenant, shelf, number, references = (Bin::tenant, Bin::shelf, Bin::number), on_update = "cascade")
)]
struct Thing {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key, length = 20)]
    shelf: String,
    #[column(primary_key)]
    number: i64,
    #[column(primary_key, length = 20)]
    name: String,
    note: String,
}

/// Lets go of a shelf that gets another key.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "signs",
    foreign_key(tenant, shelf, references = (Shelf::tenant, Shelf::code), on_update = "set null")
)]
struct Sign {
    #[column(primary_key)]
    id: i64,
    tenant: Option<i64>,
    #[column(length = 20)]
    shelf: Option<String>,
    note: String,
}

async fn create_shelves(db: &Engine) {
    let schema = Schema::new().with::<Shelf>().with::<Bin>().with::<Thing>().with::<Sign>();
    schema.create(db).await.unwrap();
}

fn shelf(code: &str) -> NewShelf {
    NewShelf { tenant: 1, code: code.into(), place: None }
}

fn bin(shelf: &str) -> NewBin {
    NewBin { tenant: 1, shelf: shelf.into(), number: 1, note: String::new() }
}

fn thing(shelf: &str, name: &str) -> NewThing {
    NewThing { tenant: 1, shelf: shelf.into(), number: 1, name: name.into(), note: String::new() }
}

async fn create(db: &Engine) {
    let schema = Schema::new().with::<Item>().with::<Label>().with::<ItemLabel>().with::<Node>();
    schema.with::<Stock>().with::<Memo>().with::<Firm>().with::<Team>().create(db).await.unwrap();
}

fn item(tenant: i64, sku: &str) -> NewItem {
    NewItem { tenant, sku: sku.into() }
}

fn label(tenant: i64, name: &str) -> NewLabel {
    NewLabel { tenant, name: name.into() }
}

fn node(tenant: i64, sku: &str) -> NewNode {
    NewNode { tenant, sku: sku.into(), parent_sku: None }
}

fn firm(name: &str) -> NewFirm {
    NewFirm { name: name.into() }
}

/// All nodes, each with its parent.
async fn nodes(db: &Engine) -> Vec<(i64, String, Option<String>)> {
    let nodes = select((Node::tenant, Node::sku, Node::parent_sku)).order_by((Node::tenant, Node::sku));
    nodes.all(db).await.unwrap()
}

#[track_caller]
fn refused(result: relata::Result<()>, words: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Session);
    for word in words {
        assert!(error.to_string().contains(word), "{word} in: {error}");
    }
}

on_every_database! {
    async fn a_shared_number_is_the_same_with_zeros_at_its_end(db: Database) {
        Schema::new().with::<Grade>().create(&*db).await.unwrap();
        let mut session = db.session();
        let grade = |level: &str, name: &str| NewGrade { level: level.parse().unwrap(), name: name.into(), above: None };
        let top = session.add(grade("1.5", "top"));
        let low = session.add(grade("1.50", "low"));
        let other = session.add(grade("1.51", "other"));
        session.set(low, Grade::next, top);
        assert_eq!(session.try_set(other, Grade::next, top).unwrap_err().class(), ErrorClass::Session);
        session.commit().await.unwrap();
        assert_eq!(session[low].above.as_deref(), Some("top"));
    }

    async fn ends_of_two_tenants_are_not_linked(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [one, two] = [item(1, "A"), item(2, "A")].map(|new| session.add(new));
        let [hot, cold] = [label(1, "hot"), label(2, "cold")].map(|new| session.add(new));
        // Be they flushed or not, and from either side.
        for _ in 0..2 {
            let words = ["Item", "Label", "item_labels.tenant"];
            refused(session.try_link(one, Item::labels, cold), &words);
            refused(session.try_link(cold, Label::items, one), &words);
            refused(session.try_unlink(one, Item::labels, cold), &words);
            session.flush().await.unwrap();
        }
        session.link(one, Item::labels, hot);
        session.link(two, Item::labels, cold);
        session.commit().await.unwrap();
        let rows = ItemLabel::select().order_by(ItemLabel::tenant).all(&*db).await.unwrap();
        let rows: Vec<_> = rows.iter().map(|row| (row.tenant, &*row.sku, &*row.label)).collect();
        assert_eq!(rows, [(1, "A", "hot"), (2, "A", "cold")]);
    }

    async fn ends_that_become_of_two_tenants_are_not_linked(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let (one, hot) = (session.add(item(1, "A")), session.add(label(1, "hot")));
        session.link(one, Item::labels, hot);
        session.draft_mut(hot).unwrap().tenant = 2;
        refused(session.flush().await, &["Item", "Label", "item_labels.tenant"]);
        // What was linked while it could be is taken back.
        session.unlink(one, Item::labels, hot);
        session.commit().await.unwrap();
        assert_eq!(ItemLabel::select().count(&*db).await.unwrap(), 0);
    }

    async fn what_was_linked_is_unlinked_though_an_end_moves_to_another_tenant(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let (one, hot) = (session.add(item(1, "A")), session.add(label(1, "hot")));
        session.link(one, Item::labels, hot);
        session.commit().await.unwrap();
        session[hot].tenant = 2;
        session.unlink(one, Item::labels, hot);
        session.commit().await.unwrap();
        assert_eq!(ItemLabel::select().count(&*db).await.unwrap(), 0);
    }

    async fn a_parent_of_another_tenant_does_not_move_the_child(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let kept = session.add(node(1, "kept"));
        session.flush().await.unwrap();
        let [one, two, new] = [node(1, "p"), node(2, "p"), node(1, "new")].map(|new| session.add(new));
        for _ in 0..2 {
            for child in [kept, new] {
                let words = ["Node", "parent", "another tenant", "primary key", "edit it first"];
                refused(session.try_set(child, Node::parent, two), &words);
                session.set(child, Node::parent, one);
                refused(session.try_set(child, Node::parent, two), &words);
            }
            session.flush().await.unwrap();
        }
        session.clear(kept, Node::parent);
        session.commit().await.unwrap();
        let row = |tenant, sku: &str, parent: Option<&str>| (tenant, sku.to_owned(), parent.map(str::to_owned));
        let rows = [row(1, "kept", None), row(1, "new", Some("p")), row(1, "p", None), row(2, "p", None)];
        assert_eq!(nodes(&db).await, rows);
    }

    async fn a_label_of_another_tenant_does_not_change_the_item(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [one, two] = [item(1, "A"), item(2, "A")].map(|new| session.add(new));
        let [hot, cold] = [label(1, "hot"), label(2, "cold")].map(|new| session.add(new));
        let stock = session.add(NewStock { tenant: None, sku: None, label_name: None });
        // What is NULL is not there yet.
        session.set(stock, Stock::item, one);
        for _ in 0..2 {
            refused(session.try_set(stock, Stock::label, cold), &["Stock", "label", "(tenant, sku) of Item"]);
            refused(session.try_set(stock, Stock::item, two), &["Stock", "item", "(tenant, label_name) of Label"]);
            session.set(stock, Stock::label, hot);
            session.flush().await.unwrap();
        }
        // The label has a part of the key that goes.
        session.clear(stock, Stock::item);
        session.flush().await.unwrap();
        let held = |stock: &Stock| (stock.tenant, stock.sku.clone(), stock.label_name.clone());
        assert_eq!(held(&session[stock]), (Some(1), None, Some("hot".to_owned())));

        session[stock].tenant = Some(2);
        session.set(stock, Stock::item, two);
        session.set(stock, Stock::label, cold);
        session.commit().await.unwrap();
        let stored = Stock::select().one(&*db).await.unwrap();
        assert_eq!(held(&stored), (Some(2), Some("A".to_owned()), Some("cold".to_owned())));
    }

    async fn a_column_that_cannot_be_cleared_is_not_set(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [one, two] = [item(1, "A"), item(2, "A")].map(|new| session.add(new));
        let memo = session.add(NewMemo { tenant: 1, sku: None });
        refused(session.try_set(memo, Memo::item, two), &["Memo", "cannot be NULL"]);
        session.set(memo, Memo::item, one);
        session.commit().await.unwrap();
        refused(session.try_set(memo, Memo::item, two), &["Memo", "cannot be NULL"]);
        assert_eq!(Memo::select().one(&*db).await.unwrap().sku.as_deref(), Some("A"));
    }

    async fn tenants_that_are_new_are_told_apart(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [ours, theirs] = ["ours", "theirs"].map(|name| session.add(firm(name)));
        let team = |firm: Handle<Firm>, name: &str| NewTeam { firm_id: firm.into(), name: name.into(), parent: None };
        let [a, b, c] = [team(ours, "a"), team(ours, "b"), team(theirs, "c")].map(|new| session.add(new));
        refused(session.try_set(a, Team::above, c), &["Team", "above", "firm_id"]);
        session.set(a, Team::above, b);
        session.set(b, Team::above, a);
        session.commit().await.unwrap();
        let rows = select((Team::name, Team::parent)).order_by(Team::name).all(&*db).await.unwrap();
        let rows: Vec<_> = rows.iter().map(|(name, parent)| (&**name, parent.as_deref())).collect();
        assert_eq!(rows, [("a", Some("b")), ("b", Some("a")), ("c", None)]);
        refused(session.try_set(a, Team::above, c), &["Team", "above", "firm_id"]);
    }

    async fn rows_that_are_set_to_each_other(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [a, b, own] = ["a", "b", "own"].map(|sku| session.add(node(1, sku)));
        session.set(a, Node::parent, b);
        session.set(b, Node::parent, a);
        session.set(own, Node::parent, own);
        session.commit().await.unwrap();
        let row = |sku: &str, parent: &str| (1, sku.to_owned(), Some(parent.to_owned()));
        assert_eq!(nodes(&db).await, [row("a", "b"), row("b", "a"), row("own", "own")]);
        assert_eq!(session[a].parent_sku.as_deref(), Some("b"));
        assert_eq!(session[b].parent_sku.as_deref(), Some("a"));
    }

    async fn rows_that_name_each_other(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let under = |sku: &str, parent: &str| NewNode { parent_sku: Some(parent.into()), ..node(1, sku) };
        let below = session.add(under("below", "a"));
        let [a, b] = [under("a", "c"), under("b", "a")].map(|new| session.add(new));
        let c = session.add(under("c", "b"));
        let own = session.add(under("own", "own"));
        session.commit().await.unwrap();
        let row = |sku: &str, parent: &str| (1, sku.to_owned(), Some(parent.to_owned()));
        let rows = [row("a", "c"), row("b", "a"), row("below", "a"), row("c", "b"), row("own", "own")];
        assert_eq!(nodes(&db).await, rows);
        let parents = [below, a, b, c, own].map(|node| session[node].parent_sku.clone().unwrap());
        assert_eq!(parents, ["a", "c", "a", "b", "own"]);
        // One by its name, the other by its handle.
        let d = session.add(under("d", "e"));
        let e = session.add(node(1, "e"));
        session.set(e, Node::parent, d);
        session.commit().await.unwrap();
        assert_eq!((session[d].parent_sku.as_deref(), session[e].parent_sku.as_deref()), (Some("e"), Some("d")));
    }

    async fn what_follows_an_edited_key_is_followed(db: Database) {
        create_shelves(&db).await;
        let mut session = db.session();
        let top = session.add(shelf("a"));
        let (on_it, in_it) = (session.add(bin("a")), session.add(thing("a", "cup")));
        let sign = session.add(NewSign { tenant: Some(1), shelf: Some("a".into()), note: String::new() });
        session.commit().await.unwrap();

        let before = session.savepoint().await.unwrap();
        session[top].code = "n".into();
        session[on_it].note = "edited".into();
        session[in_it].note = "edited".into();
        session[sign].note = "edited".into();
        session.flush().await.unwrap();
        assert_eq!((&*session[on_it].shelf, &*session[in_it].shelf), ("n", "n"));
        assert_eq!((session[sign].tenant, session[sign].shelf.as_deref()), (None, None));
        assert!(!session.is_stale(on_it).unwrap() && !session.is_stale(sign).unwrap());
        assert_eq!(session.get::<Bin>((1, "n".to_owned(), 1)).await.unwrap(), Some(on_it));
        assert_eq!(session.get::<Bin>((1, "a".to_owned(), 1)).await.unwrap(), None);
        assert_eq!(session.get::<Thing>((1, "n".to_owned(), 1, "cup".to_owned())).await.unwrap(), Some(in_it));
        for again in 0..2 {
            session.refresh(on_it).await.unwrap();
            session.refresh(in_it).await.unwrap();
            session[in_it].note = format!("edited {again}");
            session.flush().await.unwrap();
        }

        session.rollback_to(before).await.unwrap();
        assert_eq!((&*session[top].code, &*session[on_it].shelf, &*session[in_it].shelf), ("a", "a", "a"));
        assert_eq!((session[sign].tenant, session[sign].shelf.as_deref()), (Some(1), Some("a")));
        assert_eq!(session.get::<Bin>((1, "a".to_owned(), 1)).await.unwrap(), Some(on_it));
        session[in_it].note = "after".into();
        session.commit().await.unwrap();
        let row = Thing::select().one(&*db).await.unwrap();
        assert_eq!((&*row.shelf, &*row.note), ("a", "after"));
    }

    async fn keys_that_are_handed_on_are_followed_in_turn(db: Database) {
        create_shelves(&db).await;
        let mut session = db.session();
        let [a, b] = ["a", "b"].map(|code| session.add(shelf(code)));
        let [on_a, on_b] = ["a", "b"].map(|code| session.add(bin(code)));
        let [cup, jar] = ["cup", "jar"].map(|name| session.add(thing("a", name)));
        let lid = session.add(thing("b", "cup"));
        session.commit().await.unwrap();

        session[a].code = "b".into();
        session[b].code = "c".into();
        session[on_a].note = "of a".into();
        session[on_b].note = "of b".into();
        session[cup].note = "of a".into();
        session[lid].note = "of b".into();
        session.delete(jar);
        session.commit().await.unwrap();
        assert_eq!((&*session[cup].shelf, &*session[lid].shelf), ("b", "c"));
        let things = Thing::select().order_by(Thing::shelf).all(&*db).await.unwrap();
        assert_eq!(things, [session[cup].clone(), session[lid].clone()]);
        let bins = Bin::select().order_by(Bin::shelf).all(&*db).await.unwrap();
        assert_eq!(bins, [session[on_a].clone(), session[on_b].clone()]);
        assert_eq!((&*bins[0].note, &*bins[1].note), ("of a", "of b"));
        assert_eq!(session.get::<Bin>((1, "b".to_owned(), 1)).await.unwrap(), Some(on_a));
    }

    async fn what_is_not_held_may_have_followed(db: Database) {
        create_shelves(&db).await;
        insert(shelf("a")).execute(&*db).await.unwrap();
        insert(bin("a")).execute(&*db).await.unwrap();
        insert(thing("a", "cup")).execute(&*db).await.unwrap();
        let mut session = db.session();
        let top = session.get::<Shelf>((1, "a".to_owned())).await.unwrap().unwrap();
        let cup = session.get::<Thing>((1, "a".to_owned(), 1, "cup".to_owned())).await.unwrap().unwrap();
        session[top].code = "n".into();
        session.flush().await.unwrap();
        // The bin between them is not there to tell.
        assert!(session.is_stale(cup).unwrap());
        session.commit().await.unwrap();
    }
}
