//! Connections of the pool: their number, their age, their loss, their end.

use std::{
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use relata_core::{
    ErrorClass, Result,
    statement::{insert, select, sql},
    url::DatabaseUrl,
};
use relata_pool::{Execute, Fetch, PoolOptions, PrePing};

use crate::support::*;

#[tokio::test]
async fn one_connection_serves_many_statements() -> Result<()> {
    let db = database().await;
    for _ in 0..10 {
        select(User::id).all(&db.engine).await?;
    }
    assert_eq!(db.server.opened.load(SeqCst), 1);
    assert_eq!((db.server.pings.load(SeqCst), db.server.resets.load(SeqCst)), (0, 0));
    let status = db.engine.status();
    assert_eq!((status.max_size, status.size, status.idle, status.in_use, status.waiting), (2, 1, 1, 0, 0));
    Ok(())
}

#[tokio::test]
async fn waiting_has_an_end_that_says_why() -> Result<()> {
    let db = database_with(options().wait_timeout(Duration::from_millis(20)), Behaviour::default()).await;
    let _one = db.engine.connection().await?;
    let _two = db.engine.connection().await?;
    let error = select(User::id).all(&db.engine).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::PoolTimeout);
    assert!(error.to_string().contains("the pool has 2, of which 2 are in use"), "{error}");
    Ok(())
}

#[tokio::test]
async fn who_waits_is_served() -> Result<()> {
    let db = database().await;
    let one = db.engine.connection().await?;
    let _two = db.engine.connection().await?;
    let waiting = select(User::id).all(&db.engine);
    let release = async {
        while db.engine.status().waiting == 0 {
            tokio::task::yield_now().await;
        }
        drop(one);
    };
    assert_eq!(tokio::join!(waiting, release).0?, [0; 0]);
    Ok(())
}

#[tokio::test]
async fn connecting_has_an_end() -> Result<()> {
    let db = database_with(options().connect_timeout(Duration::from_millis(300)), Behaviour::default()).await;
    db.server.slow_connect.store(true, SeqCst);
    let _one = db.engine.connection().await?;
    let error = db.engine.connection().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Connect);
    db.server.slow_connect.store(false, SeqCst);
    db.engine.connection().await?;
    database_with(options().connect_timeout(None), Behaviour::default()).await;
    Ok(())
}

#[tokio::test]
async fn a_failed_connect_takes_no_place() -> Result<()> {
    let db = database().await;
    let _one = db.engine.connection().await?;
    db.server.down.store(true, SeqCst);
    for _ in 0..5 {
        assert_eq!(db.engine.connection().await.unwrap_err().class(), ErrorClass::Connect);
    }
    db.server.down.store(false, SeqCst);
    db.engine.connection().await?;
    Ok(())
}

#[tokio::test]
async fn a_lost_connection_makes_older_ones_be_checked() -> Result<()> {
    let db = database_with(options().pool_size(3), Behaviour::default()).await;
    let connections =
        [db.engine.connection().await?, db.engine.connection().await?, db.engine.connection().await?];
    drop(connections);
    assert_eq!(db.engine.status().idle, 3);
    db.server.fault("SELECT", 1, Fault::LostBefore);
    let error = select(User::id).all(&db.engine).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Disconnected);
    assert_eq!(db.engine.status().size, 2, "the lost one has left");

    // Each of the older ones is asked once, then trusted; a new one is not asked.
    for _ in 0..3 {
        let one = db.engine.connection().await?;
        let two = db.engine.connection().await?;
        let three = db.engine.connection().await?;
        drop((one, two, three));
    }
    assert_eq!((db.server.pings.load(SeqCst), db.server.opened.load(SeqCst)), (2, 4));

    // Any other failure is no reason.
    sql("SELECT nonsense").execute(&db.engine).await.unwrap_err();
    select(User::id).all(&db.engine).await?;
    assert_eq!(db.server.pings.load(SeqCst), 2);
    Ok(())
}

#[tokio::test]
async fn those_that_do_not_answer_are_replaced() -> Result<()> {
    let db = database_with(options().pre_ping(PrePing::Always), Behaviour::default()).await;
    db.server.down.store(true, SeqCst);
    assert_eq!(db.engine.connection().await.unwrap_err().class(), ErrorClass::Connect);
    db.server.down.store(false, SeqCst);
    select(User::id).all(&db.engine).await?;
    assert_eq!(db.server.opened.load(SeqCst), 2);
    Ok(())
}

#[tokio::test]
async fn idle_ones_are_asked() -> Result<()> {
    let options = options().pre_ping(PrePing::AfterIdle(Duration::from_millis(5)));
    let db = database_with(options, Behaviour::default()).await;
    let before = db.server.pings.load(SeqCst);
    tokio::time::sleep(Duration::from_millis(10)).await;
    select(User::id).all(&db.engine).await?;
    assert_eq!(db.server.pings.load(SeqCst), before + 1);
    assert_eq!(db.server.opened.load(SeqCst), 1);
    Ok(())
}

#[tokio::test]
async fn idle_ones_are_closed() -> Result<()> {
    let db = database_with(options().idle_timeout(Duration::from_millis(50)), Behaviour::default()).await;
    let patience = Instant::now() + Duration::from_secs(10);
    while (db.engine.status().size > 0 || db.server.closed.load(SeqCst) == 0) && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((db.server.closed.load(SeqCst), db.engine.status().size), (db.server.opened.load(SeqCst), 0));
    Ok(())
}

#[tokio::test]
async fn old_ones_are_replaced() -> Result<()> {
    let options = options().max_lifetime(Duration::from_millis(20));
    let db = database_with(options, Behaviour::default()).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    select(User::id).all(&db.engine).await?;
    assert!(db.server.opened.load(SeqCst) >= 2);
    Ok(())
}

#[tokio::test]
async fn a_statement_has_an_end() -> Result<()> {
    let options = options().statement_timeout(Duration::from_millis(300));
    let db = database_with(options, Behaviour::default()).await;
    db.server.fault("SELECT", 1, Fault::Hang);
    let error = select(User::id).all(&db.engine).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
    assert!(error.to_string().contains("SELECT"), "{error}");
    assert_eq!(select(User::id).all(&db.engine).await?, [0; 0]);
    assert_eq!((db.server.opened.load(SeqCst), db.engine.status().size), (2, 1));

    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    db.server.fault("COMMIT", 1, Fault::Hang);
    assert_eq!(tx.commit().await.unwrap_err().class(), ErrorClass::CommitUnknown);
    Ok(())
}

#[tokio::test]
async fn closing_waits_for_those_in_use() -> Result<()> {
    let db = database_with(options().close_timeout(Duration::from_secs(5)), Behaviour::default()).await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    drop(db.engine.connection().await?);
    let work = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let refused = select(User::id).all(&db.engine).await.unwrap_err();
        assert_eq!(refused.class(), ErrorClass::PoolClosed);
        insert(new("b@x")).execute(&mut tx).await?;
        tx.commit().await
    };
    let (closed, worked) = tokio::join!(db.engine.close(), work);
    closed?;
    worked?;
    assert_eq!((db.server.opened.load(SeqCst), db.server.closed.load(SeqCst)), (2, 2));
    db.engine.close().await?;
    Ok(())
}

#[tokio::test]
async fn closing_has_an_end() -> Result<()> {
    let db = database_with(options().close_timeout(Duration::from_millis(10)), Behaviour::default()).await;
    let connection = db.engine.connection().await?;
    let error = db.engine.close().await.unwrap_err();
    assert!(error.to_string().contains("1 of its connections"), "{error}");
    drop(connection);
    db.engine.close().await
}

#[test]
fn a_runtime_that_ends_does_not_hand_on_what_is_in_doubt() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let db = first.block_on(database());
    let tx = first.block_on(async {
        let mut tx = db.engine.begin().await.unwrap();
        insert(new("a@x")).execute(&mut tx).await.unwrap();
        tx
    });
    drop(first);
    drop(tx);
    runtime().block_on(async {
        insert(new("b@x")).execute(&db.engine).await.unwrap();
        assert_eq!(emails(&db).await, ["b@x"]);
    });
}

#[test]
fn options_come_from_a_url() {
    let mut url = DatabaseUrl::parse(
        "x:?pool_size=3&wait_timeout=1s&connect_timeout=0s&idle_timeout=0s&pre_ping=30s&slow_statement=250ms&log_parameters=true&other=1",
    )
    .unwrap();
    let options = format!("{:?}", PoolOptions::take_from(&mut url).unwrap());
    for part in [
        "pool_size: 3",
        "wait_timeout: 1s",
        "connect_timeout: None",
        "idle_timeout: None",
        "pre_ping: AfterIdle(30s)",
        "slow_statement: Some(250ms)",
        "log_parameters: true",
    ] {
        assert!(options.contains(part), "{options}");
    }
    assert!(url.finish().unwrap_err().to_string().contains("\"other\""));
    for bad in ["x:?pool_size=0", "x:?pre_ping=sometimes", "x:?wait_timeout=5"] {
        let error = PoolOptions::take_from(&mut DatabaseUrl::parse(bad).unwrap()).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Configuration);
    }
    let mut many = DatabaseUrl::parse("x:?pool_size=4294967296").unwrap();
    let error = PoolOptions::take_from(&mut many).unwrap_err().to_string();
    assert!(error.contains("a number of connections from 1 to "), "{error}");
}
