//! Foreign keys over several columns, and what they do when the other row goes or changes: made, obeyed by the database, and
//! known to sessions.

use relata::prelude::*;
use relata_tests::{Server, on_every_database};

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "order_lines", has_many(parcels: Parcel), has_many(claims: Claim))]
struct OrderLine {
    #[column(primary_key)]
    order_id: i64,
    #[column(primary_key, length = 40)]
    article: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "parcels",
    foreign_key(order_id, article, references = (OrderLine::order_id, OrderLine::article), on_delete = "cascade"),
    belongs_to(line: OrderLine, key = (order_id, article))
)]
struct Parcel {
    #[column(primary_key)]
    id: i64,
    order_id: i64,
    #[column(length = 40)]
    article: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "claims",
    foreign_key(
        order_id, article,
        references = (OrderLine::order_id, OrderLine::article),
        on_delete = "set null",
        name = "claims_to_line"
    ),
    belongs_to(line: OrderLine, key = (order_id, article))
)]
struct Claim {
    #[column(primary_key)]
    id: i64,
    order_id: Option<i64>,
    #[column(length = 40)]
    article: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "teams", belongs_to(captain: Player, key = captain_id))]
struct Team {
    #[column(primary_key)]
    id: i64,
    #[column(references = Player::id)]
    captain_id: Option<i64>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "players", belongs_to(team: Team, key = team_id))]
struct Player {
    #[column(primary_key)]
    id: i64,
    #[column(references = Team::id)]
    team_id: i64,
}

/// Has a key that changes.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "currencies")]
struct Currency {
    #[column(primary_key, length = 3)]
    code: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "prices")]
struct Price {
    #[column(primary_key)]
    id: i64,
    #[column(references = Currency::code, on_update = "cascade", on_delete = "restrict", length = 3)]
    currency: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "quotes")]
struct Quote {
    #[column(primary_key)]
    id: i64,
    #[column(references = Currency::code, on_update = "set null", on_delete = "set null", length = 3)]
    currency: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "wallets")]
struct Wallet {
    #[column(primary_key)]
    id: i64,
    #[column(references = Currency::code, on_delete = "set default", default = "EUR", length = 3)]
    currency: String,
}

fn currency(code: &str) -> NewCurrency {
    NewCurrency { code: code.into() }
}

fn line(order_id: i64, article: &str) -> NewOrderLine {
    NewOrderLine { order_id, article: article.into() }
}

fn parcel(order_id: i64, article: &str) -> NewParcel {
    NewParcel { order_id, article: article.into() }
}

async fn create(db: &Engine) {
    // The tables that are referred to stand last: their order comes from the keys.
    Schema::new().with::<Claim>().with::<Parcel>().with::<OrderLine>().create(db).await.unwrap();
}

on_every_database! {
    async fn the_database_obeys_them(db: Database) {
        create(&db).await;
        insert_many([line(1, "ink"), line(1, "pen")]).execute(&*db).await.unwrap();
        insert_many([parcel(1, "ink"), parcel(1, "ink"), parcel(1, "pen")]).execute(&*db).await.unwrap();
        insert(NewClaim { order_id: Some(1), article: Some("ink".into()) }).execute(&*db).await.unwrap();
        // Each part is there, but not together.
        insert(line(2, "cap")).execute(&*db).await.unwrap();
        let error = insert(parcel(2, "ink")).execute(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::ForeignKey, "{error}");
        let error = insert(NewClaim { order_id: Some(9), article: Some("ink".into()) }).execute(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::ForeignKey, "{error}");
        if db.server() != Server::Sqlite {
            assert_eq!(error.constraint(), Some("claims_to_line"));
        }
        // A part that is NULL refers to nothing.
        insert(NewClaim { order_id: None, article: Some("glue".into()) }).execute(&*db).await.unwrap();

        delete::<OrderLine>().filter(OrderLine::article.eq("ink")).execute(&*db).await.unwrap();
        let left = OrderLine::select().order_by((OrderLine::order_id, OrderLine::article)).with(OrderLine::parcels).all(&*db).await.unwrap();
        assert_eq!(left.iter().map(|(line, parcels)| (line.article.as_str(), parcels.len())).collect::<Vec<_>>(), [("pen", 1), ("cap", 0)]);
        let claims = Claim::select().order_by(Claim::id).with(Claim::line).all(&*db).await.unwrap();
        assert_eq!(claims[0].0, Claim { id: claims[0].0.id, order_id: None, article: None });
        assert!(claims.iter().all(|(_, line)| line.is_none()));
    }

    async fn sessions_write_in_their_order(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let sent = session.add(parcel(1, "ink"));
        let ordered = session.add(line(1, "ink"));
        session.commit().await.unwrap();
        let (_, of_parcel) = session.one(Parcel::select().with(Parcel::line)).await.unwrap();
        assert_eq!(of_parcel, ordered);
        let late = session.add(parcel(1, "ink"));
        session.flush().await.unwrap();
        session.delete(ordered);
        session.flush().await.unwrap();
        // The database has deleted them, too.
        assert!(session.try_get(sent).is_err());
        assert!(session.try_get(late).is_err());
        session.commit().await.unwrap();
        assert_eq!(select(count(Parcel::id)).one(&*db).await.unwrap(), 0);
    }

    async fn tables_that_refer_to_each_other(db: Database) {
        let schema = Schema::new().with::<Team>().with::<Player>();
        schema.create(&*db).await.unwrap();
        // They are there, and so are the keys that close the circle.
        schema.create_if_not_exists(&*db).await.unwrap();
        let error = insert(NewPlayer { team_id: 7.into() }).execute(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::ForeignKey, "{error}");
        let error = insert(NewTeam { captain_id: Some(7.into()) }).execute(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::ForeignKey, "{error}");

        let mut session = db.session();
        let team = session.add(NewTeam { captain_id: None });
        let player = session.add(NewPlayer { team_id: 0.into() });
        session.set(player, Player::team, team);
        session.set(team, Team::captain, player);
        session.commit().await.unwrap();
        let (_, captain) = session.one(Team::select().with(Team::captain)).await.unwrap();
        assert_eq!(captain, Some(player));
        session.rollback().await.unwrap();

        schema.drop(&*db).await.unwrap();
        schema.drop_if_exists(&*db).await.unwrap();
        schema.create_if_not_exists(&*db).await.unwrap();
        let error = insert(NewTeam { captain_id: Some(7.into()) }).execute(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::ForeignKey, "{error}");
    }

    async fn keys_that_change_or_go(db: Database) {
        Schema::new().with::<Currency>().with::<Price>().with::<Quote>().create(&*db).await.unwrap();
        insert_many(["EUR", "USD", "NOK"].map(currency)).execute(&*db).await.unwrap();
        insert(NewPrice { currency: "USD".into() }).execute(&*db).await.unwrap();
        insert_many(["USD", "NOK"].map(|code| NewQuote { currency: Some(code.into()) })).execute(&*db).await.unwrap();
        update::<Currency>().set(Currency::code, "CHF").filter(Currency::code.eq("USD")).execute(&*db).await.unwrap();
        assert_eq!(select(Price::currency).one(&*db).await.unwrap(), "CHF");
        let quotes = || select(Quote::currency).order_by(Quote::id).all(&*db);
        assert_eq!(quotes().await.unwrap(), [None, Some("NOK".to_owned())]);
        let error = delete::<Currency>().filter(Currency::code.eq("CHF")).execute(&*db).await.unwrap_err();
        assert!(error.is_foreign_key_violation(), "{error:?}");
        delete::<Currency>().filter(Currency::code.eq("NOK")).execute(&*db).await.unwrap();
        assert_eq!(quotes().await.unwrap(), [None, None]);
        let mut session = db.session();
        let kept = session.get::<Currency>("CHF").await.unwrap().unwrap();
        session.delete(kept);
        session.flush().await.unwrap_err();
        session.rollback().await.unwrap();
        assert_eq!(Currency::select().count(&*db).await.unwrap(), 2);
    }

    async fn keys_that_go_back_to_their_default(db: Database) {
        let made = Schema::new().with::<Currency>().with::<Wallet>().create(&*db).await;
        if let Server::MariaDb | Server::MySql = db.server() {
            let error = made.unwrap_err();
            assert!(error.class() == ErrorClass::Compile && error.to_string().contains("SET DEFAULT"), "{error}");
            return;
        }
        made.unwrap();
        let mut session = db.session();
        let [_, usd] = ["EUR", "USD"].map(|code| session.add(currency(code)));
        session.flush().await.unwrap();
        let wallet = session.add(NewWallet { currency: Some("USD".into()) });
        session.commit().await.unwrap();
        session.delete(usd);
        session.flush().await.unwrap();
        assert!(session.is_stale(wallet).unwrap());
        session.refresh(wallet).await.unwrap();
        assert_eq!(session[wallet].currency, "EUR");
        session.commit().await.unwrap();
        assert_eq!(select(Wallet::currency).all(&*db).await.unwrap(), [session[wallet].currency.as_str()]);
        assert_eq!(Currency::select().filter(Currency::code.eq(session[wallet].currency.as_str())).count(&*db).await.unwrap(), 1);
    }

    async fn graphs_by_keys_of_several_columns(db: Database) {
        create(&db).await;
        let lines = || (0..1203).map(|order| line(order, "ink"));
        insert_many(lines()).execute(&*db).await.unwrap();
        insert_many((0..1203).map(|order| parcel(order, "ink"))).execute(&*db).await.unwrap();
        let graph = OrderLine::select().with(OrderLine::parcels).all(&*db).await.unwrap();
        assert_eq!(graph.len(), 1203);
        assert!(graph.iter().all(|(line, parcels)| parcels.len() == 1 && parcels[0].order_id == line.order_id));
    }
}
