//! Sessions over keys of several columns that share one of them: `tenant` is part of each primary key and of several keys
//! of other rows.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::prelude::*;
use relata_tests::on_every_database;

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

async fn create(db: &Engine) {
    let schema = Schema::new().with::<Item>().with::<Label>().with::<ItemLabel>();
    schema.create(db).await.unwrap();
}

fn item(tenant: i64, sku: &str) -> NewItem {
    NewItem { tenant, sku: sku.into() }
}

fn label(tenant: i64, name: &str) -> NewLabel {
    NewLabel { tenant, name: name.into() }
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
}
