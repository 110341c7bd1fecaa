//! How transactions begin: by `START TRANSACTION`, or by themselves.
//!
//! With `autocommit = 0` a transaction begins with the first statement after the last one's end (MySQL 8.4 manual 15.3.1 and
//! 17.7.2.2; MariaDB KB, "START TRANSACTION"), which saves the trip of `START TRANSACTION`. The session is so only between
//! transactions that follow each other: the `SET` travels with the COMMIT of the one before. Whatever else comes finds
//! `autocommit = 1`, as if nothing had happened.
//!
//! What the session is in is never guessed from texts: the server says it with each answer.

mod forecast;
mod kind;

use mysql_async::consts::StatusFlags;
use relata_core::{
    ErrorClass,
    driver::{Job, Mode},
};

use crate::dialect::BEGIN;
use forecast::Forecast;
use kind::{Kind, can_be_joined, reads, sets_autocommit};
pub(super) use kind::{begins_with, ends_unseen, is_plain};

const ON: &str = "SET autocommit = 1";
const OFF: &str = "SET autocommit = 0";

/// What goes ahead of jobs in the same trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Nothing,
    /// Back to `autocommit = 1`, between transactions. That SET would commit what is open: there is nothing, but if there were,
    /// it must not be.
    Leave,
    /// Back to `autocommit = 1`, in a transaction of which the server has not heard yet.
    Begin,
}

impl Lead {
    pub(super) fn texts(self) -> &'static [&'static str] {
        match self {
            Lead::Nothing => &[],
            Lead::Leave => &["ROLLBACK", ON],
            Lead::Begin => &[ON, BEGIN],
        }
    }
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: the first job is done.
    Skip,
    /// Ask the server for a sign of life, which tells in what the session is.
    Ask,
    /// The first job is not to be run.
    Refuse,
    /// Run some jobs. More than one, or one with something around it, can travel together. With none only what leads is sent.
    Send { lead: Lead, jobs: usize, trail: Option<&'static str> },
}

impl Step {
    fn send(jobs: usize) -> Step {
        Step::Send { lead: Lead::Nothing, jobs, trail: None }
    }

    fn behind(lead: Lead, jobs: usize) -> Step {
        Step::Send { lead, jobs, trail: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    /// None that was begun by [`BEGIN`].
    None,
    /// `START TRANSACTION` was sent.
    Begun,
    /// It begins by itself, or has done so.
    Implied,
}

/// Whether `autocommit` is off in a session, and what is to be done about it.
#[derive(Debug)]
pub(super) struct Autocommit {
    /// Whether it was set to 0 here: not by the user.
    off: bool,
    /// Whether it is off all the same, by SQL by hand.
    off_by_hand: bool,
    transaction: Transaction,
    /// Whether all that ran in the transaction was plain.
    plain: bool,
    /// Whether something ran that may have ended the transaction, and the server has not said.
    in_doubt: bool,
    /// What the server said with its last answer; `None` after an error outside of transactions, which says nothing of it.
    status: Option<StatusFlags>,
    /// Whether that was the answer to a SELECT. MariaDB's query cache gives those with the flags that they had once, when they
    /// had begun a transaction.
    hearsay: bool,
    forecast: Forecast,
}

impl Autocommit {
    /// Of a session that has `autocommit = 1`.
    pub(super) fn new() -> Self {
        Autocommit {
            off: false,
            off_by_hand: false,
            transaction: Transaction::None,
            plain: true,
            in_doubt: false,
            status: None,
            hearsay: false,
            forecast: Forecast::default(),
        }
    }

    /// What to do with the jobs that are left; not called without any.
    pub(super) fn next(&self, jobs: &[Job<'_>]) -> Step {
        let Some(first) = jobs.first() else { return Step::send(0) };
        let kind = Kind::of(first);
        if self.transaction != Transaction::None && kind == Kind::Other && sets_autocommit(first.sql) {
            return Step::Refuse;
        }
        let together = jobs.iter().take_while(|job| can_be_joined(job)).count();
        match (self.off, self.transaction) {
            (false, _) => Step::Send {
                lead: Lead::Nothing,
                jobs: together.max(1),
                trail: self.turn_off(jobs, together),
            },
            (true, Transaction::Implied) => self.next_in_implied(jobs, kind, together),
            (true, _) if begins_plainly(jobs) && self.is_at_rest() => Step::Skip,
            (true, _) => Step::behind(Lead::Leave, together),
        }
    }

    /// With `autocommit = 0` and in a transaction.
    fn next_in_implied(&self, jobs: &[Job<'_>], kind: Kind, together: usize) -> Step {
        if kind == Kind::End {
            return self.end(jobs, 0, together);
        }
        if kind == Kind::Other && self.hearsay {
            return Step::Ask;
        }
        let open = self.is_open();
        match kind {
            Kind::Plain | Kind::Savepoint if kind == Kind::Plain || open => {
                let same = |job: &&Job<'_>| match Kind::of(job) {
                    Kind::Plain => true,
                    Kind::Savepoint => open,
                    _ => false,
                };
                let before = jobs.iter().take(together).take_while(same).count();
                if jobs.get(before).is_some_and(|job| before < together && Kind::of(job) == Kind::End) {
                    self.end(jobs, before, together)
                } else {
                    Step::send(before.max(1))
                }
            }
            _ if open => Step::send(1),
            // It may count on a transaction that the server knows of: SAVEPOINT, or DDL, which ends it.
            _ => Step::behind(Lead::Begin, together),
        }
    }

    /// The end of a transaction with `autocommit = 0`, behind some other jobs.
    fn end(&self, jobs: &[Job<'_>], before: usize, together: usize) -> Step {
        let behind = jobs.get(before + 1..).unwrap_or_default();
        let stay =
            if behind.is_empty() { self.forecast.another() && self.plain } else { begins_plainly(behind) };
        if stay {
            Step::send(before + 1)
        } else if before == 0 && together > 1 && jobs.first().is_some_and(|job| job.sql == "ROLLBACK") {
            // In one trip with what follows. A second ROLLBACK does nothing.
            Step::behind(Lead::Leave, together)
        } else {
            Step::Send { lead: Lead::Nothing, jobs: before + 1, trail: Some(ON) }
        }
    }

    /// What goes behind jobs that travel together, with `autocommit = 1`.
    fn turn_off(&self, jobs: &[Job<'_>], together: usize) -> Option<&'static str> {
        let (last, before) = jobs.split_last()?;
        let both = StatusFlags::SERVER_STATUS_IN_TRANS | StatusFlags::SERVER_STATUS_AUTOCOMMIT;
        let sure = together == jobs.len()
            && self.transaction == Transaction::Begun
            && self.plain
            && self.status.is_some_and(|status| status.contains(both))
            && Kind::of(last) == Kind::End
            && before.iter().all(|job| matches!(Kind::of(job), Kind::Plain | Kind::Savepoint));
        (sure && self.forecast.another()).then_some(OFF)
    }

    /// Whether the server agrees that nothing is open and that autocommit is off.
    fn is_at_rest(&self) -> bool {
        let neither = StatusFlags::SERVER_STATUS_IN_TRANS | StatusFlags::SERVER_STATUS_AUTOCOMMIT;
        self.status.is_some_and(|status| !status.intersects(neither))
    }

    /// [`Step::Skip`] was done.
    pub(super) fn skipped(&mut self) {
        self.forecast.begun();
        self.transaction = Transaction::Implied;
        self.plain = true;
        self.in_doubt = false;
    }

    /// [`Step::Ask`] was done.
    pub(super) fn asked(&mut self) {
        self.hearsay = false;
    }

    /// What led was run.
    pub(super) fn led(&mut self, lead: Lead) {
        match lead {
            Lead::Nothing => return,
            Lead::Leave => self.transaction = Transaction::None,
            Lead::Begin => self.transaction = Transaction::Begun,
        }
        self.off = false;
        self.in_doubt = false;
    }

    /// A job is about to run.
    pub(super) fn begins(&mut self, job: &Job<'_>, next_is_plain: bool) {
        let kind = Kind::of(job);
        if self.transaction == Transaction::None {
            match kind {
                Kind::End => {}
                Kind::Begin if next_is_plain && job.sql == BEGIN => self.forecast.begun(),
                _ => self.forecast.something_else(!can_be_joined(job)),
            }
        }
        if kind == Kind::Other {
            self.plain = false;
            self.in_doubt = true;
        }
        self.hearsay = reads(job);
    }

    /// A job came to its end without an error.
    pub(super) fn ended(&mut self, job: &Job<'_>) {
        match Kind::of(job) {
            Kind::Begin if !self.off => {
                self.transaction = Transaction::Begun;
                self.plain = true;
            }
            Kind::End => {
                if self.transaction != Transaction::None {
                    self.forecast.ended();
                }
                self.transaction = Transaction::None;
                self.in_doubt = false;
            }
            Kind::Begin | Kind::Savepoint | Kind::Plain | Kind::Other => {}
        }
    }

    /// What trailed was run.
    pub(super) fn trailed(&mut self, text: &str) {
        self.off = text == OFF;
    }

    /// Whether nothing but rows is lost with a connection that is closed in the middle of a job: no transaction, and nothing that
    /// the job itself has changed. Not if in doubt.
    pub(super) fn loses_only_rows(&self, job: &Job<'_>) -> bool {
        let both = StatusFlags::SERVER_STATUS_IN_TRANS | StatusFlags::SERVER_STATUS_AUTOCOMMIT;
        self.transaction == Transaction::None
            && self.status.is_some_and(|status| status & both == StatusFlags::SERVER_STATUS_AUTOCOMMIT)
            && reads(job)
    }

    /// Whether a transaction is open, as far as is known, or begins with whatever comes next.
    pub(super) fn in_transaction(&self) -> bool {
        self.transaction != Transaction::None || self.off_by_hand || self.is_open()
    }

    /// What was sent last has failed, with an error of this class: whether the server has to be asked what is left of the
    /// transaction. Not where a plain statement breaks a constraint, which is undone alone.
    pub(super) fn failed(&mut self, job: Option<&Job<'_>>, class: ErrorClass) -> bool {
        use ErrorClass::{Check, ForeignKey, NotNull, Unique};
        if self.transaction == Transaction::None {
            self.status = None;
            return false;
        }
        let is_undone_alone =
            self.is_open() && is_plain(job) && matches!(class, Unique | ForeignKey | NotNull | Check);
        self.in_doubt |= !is_undone_alone;
        self.in_doubt
    }

    /// Whether the server has said that a transaction is open.
    fn is_open(&self) -> bool {
        self.status.is_some_and(|status| status.contains(StatusFlags::SERVER_STATUS_IN_TRANS))
    }

    /// What the server says when all that was sent is done: whether a transaction ended with it that was not ended here.
    pub(super) fn hear(&mut self, status: Option<StatusFlags>) -> bool {
        let was_open = self.is_open();
        self.status = status;
        let Some(status) = status else { return false };
        if !self.hearsay {
            self.off_by_hand = !self.off && !status.contains(StatusFlags::SERVER_STATUS_AUTOCOMMIT);
        }
        let open = status.contains(StatusFlags::SERVER_STATUS_IN_TRANS);
        let implied = self.transaction == Transaction::Implied;
        if implied && status.contains(StatusFlags::SERVER_STATUS_AUTOCOMMIT) {
            // By a procedure, as it must be.
            self.off = false;
            self.transaction = Transaction::Begun;
            self.plain = false;
        }
        let ended = match self.transaction {
            Transaction::None => false,
            Transaction::Begun => !open,
            // It may not have begun.
            Transaction::Implied => was_open && !open && self.in_doubt,
        };
        if ended {
            self.transaction = Transaction::None;
        }
        self.in_doubt = false;
        ended
    }
}

/// Whether jobs begin a transaction that can as well begin by itself.
fn begins_plainly(jobs: &[Job<'_>]) -> bool {
    matches!(jobs, [begin, first, ..] if begin.mode == Mode::Text && begin.sql == BEGIN && is_plain(Some(first)))
}

#[cfg(test)]
mod tests {
    use super::{kind::tests::job, *};

    const OPEN: StatusFlags = StatusFlags::SERVER_STATUS_IN_TRANS;
    const BY_ITSELF: StatusFlags = StatusFlags::SERVER_STATUS_AUTOCOMMIT;
    const INSERT: &str = "INSERT INTO t VALUES (?)";

    fn next(state: &Autocommit, texts: &[&str]) -> Step {
        state.next(&texts.iter().map(|text| job(text)).collect::<Vec<_>>())
    }

    /// A session with `autocommit = 0` in which the next transaction will be taken for one of many.
    fn waiting() -> Autocommit {
        let mut state = Autocommit::new();
        state.off = true;
        state.forecast.score = Forecast::MOST;
        state.hear(Some(StatusFlags::empty()));
        state
    }

    /// The same in a transaction, in a state that the server has told.
    fn within(status: StatusFlags) -> Autocommit {
        let mut state = waiting();
        assert_eq!(next(&state, &[BEGIN, INSERT]), Step::Skip);
        state.skipped();
        state.hear(Some(status));
        state
    }

    fn ran(state: &mut Autocommit, sql: &str, status: Option<StatusFlags>) {
        state.begins(&job(sql), false);
        match status {
            None => {
                state.failed(Some(&job(sql)), ErrorClass::Statement);
            }
            Some(_) => {
                state.ended(&job(sql));
                state.hear(status);
            }
        }
    }

    #[test]
    fn only_a_plain_begin_is_skipped_and_only_where_the_server_agrees() {
        let state = waiting();
        assert_eq!(next(&state, &[BEGIN, INSERT, "COMMIT"]), Step::Skip);
        let leave = |jobs| Step::Send { lead: Lead::Leave, jobs, trail: None };
        assert_eq!(next(&state, &[INSERT]), leave(0));
        assert_eq!(next(&state, &["DELETE FROM t"]), leave(1));
        assert_eq!(next(&state, &[BEGIN]), leave(1));
        assert_eq!(next(&state, &[BEGIN, "SAVEPOINT a", INSERT]), leave(2));
        assert_eq!(next(&state, &[BEGIN, "CREATE TABLE t (n INT)"]), leave(2));
        assert_eq!(next(&state, &["SET TRANSACTION READ ONLY", BEGIN, INSERT]), leave(2));
        assert_eq!(next(&state, &["START TRANSACTION READ ONLY", INSERT]), leave(1));
        for status in [None, Some(BY_ITSELF), Some(OPEN)] {
            let mut state = waiting();
            state.status = status;
            assert_eq!(next(&state, &[BEGIN, INSERT]), leave(1), "{status:?}");
        }
    }

    #[test]
    fn what_counts_on_a_transaction_gets_one() {
        let others = ["SAVEPOINT a", "CREATE TABLE t (n INT)", "SET @a = ?"];
        for other in others {
            let open = next(&within(OPEN), &[other, INSERT]);
            assert_eq!(open, Step::send(1), "{other}");
            let jobs = usize::from(!other.contains('?'));
            let unknown_to_the_server = next(&within(StatusFlags::empty()), &[other, INSERT]);
            assert_eq!(unknown_to_the_server, Step::behind(Lead::Begin, jobs), "{other}");
        }
        for status in [OPEN, StatusFlags::empty()] {
            assert_eq!(next(&within(status), &[INSERT, INSERT]), Step::send(1));
            assert_eq!(next(&within(status), &["COMMIT"]), Step::send(1));
        }
    }

    #[test]
    fn what_ends_a_transaction_is_noticed() {
        for sql in ["CREATE TABLE t (n INT)", "CALL p(?)"] {
            let mut state = within(OPEN);
            ran(&mut state, sql, Some(StatusFlags::empty()));
            assert_eq!(next(&state, &[INSERT]), Step::behind(Lead::Leave, 0));
            // It may have been ended, and then failed.
            for (status, over) in [(OPEN, false), (StatusFlags::empty(), true)] {
                let mut state = within(OPEN);
                ran(&mut state, sql, None);
                assert_eq!(state.hear(Some(status)), over);
                assert_eq!(state.in_transaction(), !over);
            }
            // By autocommit, whoever has set it.
            let mut state = within(OPEN);
            ran(&mut state, sql, Some(BY_ITSELF));
            assert!(!state.off && state.transaction == Transaction::None);
        }
        // A SELECT may say what was once so.
        let mut state = within(OPEN);
        ran(&mut state, "SELECT n FROM t WHERE n = ?", Some(OPEN));
        assert_eq!(next(&state, &["SET @a = ?"]), Step::Ask);
        state.asked();
        state.hear(Some(StatusFlags::empty()));
        assert_eq!(next(&state, &["SET @a = ?"]), Step::behind(Lead::Begin, 0));
        // A statement that fails ends nothing, or all: only the server knows.
        for (status, over) in [(OPEN, false), (StatusFlags::empty(), true)] {
            let mut state = within(OPEN);
            assert!(!state.failed(Some(&job(INSERT)), ErrorClass::Unique));
            assert!(state.failed(Some(&job("CALL p(?)")), ErrorClass::Unique));
            assert!(state.failed(Some(&job(INSERT)), ErrorClass::LockTimeout));
            assert_eq!(state.hear(Some(status)), over);
            // The first, with which it may not even have begun.
            let mut state = within(StatusFlags::empty());
            assert!(state.failed(Some(&job(INSERT)), ErrorClass::Unique));
            assert!(!state.hear(Some(status)));
            assert!(state.in_transaction());
        }
        let mut state = Autocommit::new();
        assert!(!state.failed(Some(&job("CALL p(?)")), ErrorClass::Other));
    }

    #[test]
    fn a_connection_is_closed_early_only_where_nothing_is_lost() {
        const SELECT: &str = "SELECT n FROM t";
        let mut state = Autocommit::new();
        assert!(!state.loses_only_rows(&job(SELECT)));
        state.hear(Some(BY_ITSELF));
        assert!(state.loses_only_rows(&job(SELECT)));
        for sql in ["DELETE FROM t RETURNING n", "CALL p(?)", "BEGIN; SELECT n FROM t"] {
            assert!(!state.loses_only_rows(&job(sql)), "{sql}");
        }
        for status in [None, Some(OPEN), Some(OPEN | BY_ITSELF), Some(StatusFlags::empty())] {
            state.hear(status);
            assert!(!state.loses_only_rows(&job(SELECT)), "{status:?}");
        }
        for status in [OPEN, OPEN | BY_ITSELF, StatusFlags::empty()] {
            assert!(!within(status).loses_only_rows(&job(SELECT)), "{status:?}");
        }
        ran(&mut state, BEGIN, Some(OPEN | BY_ITSELF));
        ran(&mut state, INSERT, None);
        assert!(!state.loses_only_rows(&job(SELECT)));
    }

    #[test]
    fn autocommit_is_not_set_inside() {
        let mut begun = Autocommit::new();
        ran(&mut begun, BEGIN, Some(OPEN | BY_ITSELF));
        for state in [begun, within(OPEN)] {
            for text in [
                "SET autocommit=1",
                "/* for me */ SET autocommit=1",
                " set @@session.AUTOCOMMIT = ?",
                "SELECT 1; SET autocommit=0",
            ] {
                assert_eq!(next(&state, &[text]), Step::Refuse, "{text}");
            }
            assert_ne!(next(&state, &["SELECT autocommit FROM t WHERE a = ?"]), Step::Refuse);
        }
        assert_eq!(next(&Autocommit::new(), &["SET autocommit = 0"]), Step::send(1));
    }

    #[test]
    fn ends() {
        let end = |trail| Step::Send { lead: Lead::Nothing, jobs: 1, trail };
        let mut state = within(OPEN);
        assert_eq!(next(&state, &["COMMIT"]), end(None));
        assert_eq!(next(&state, &["ROLLBACK", INSERT]), end(Some(ON)));
        assert_eq!(next(&state, &["ROLLBACK", BEGIN, INSERT]), end(None));
        assert_eq!(next(&state, &["COMMIT", "SET @a = 1"]), end(Some(ON)));
        let options = ["ROLLBACK", "SET TRANSACTION READ ONLY", BEGIN, INSERT];
        assert_eq!(next(&state, &options), Step::behind(Lead::Leave, 3));
        assert_eq!(next(&state, &["RELEASE SAVEPOINT a", "DELETE FROM t", "COMMIT"]), Step::send(3));
        state.plain = false;
        assert_eq!(next(&state, &["COMMIT"]), end(Some(ON)));
        state.plain = true;
        state.forecast.score = 0;
        assert_eq!(next(&state, &["COMMIT"]), end(Some(ON)));
        // With autocommit = 1: only if all is as it should be.
        let mut state = Autocommit::new();
        state.forecast.score = Forecast::MOST;
        ran(&mut state, BEGIN, Some(OPEN | BY_ITSELF));
        assert_eq!(next(&state, &["COMMIT"]), end(Some(OFF)));
        assert_eq!(next(&state, &["COMMIT", INSERT]), end(None));
        for status in [None, Some(BY_ITSELF), Some(OPEN)] {
            state.status = status;
            assert_eq!(next(&state, &["COMMIT"]), end(None), "{status:?}");
        }
        ran(&mut state, "SET @a = ?", Some(OPEN | BY_ITSELF));
        assert_eq!(next(&state, &["COMMIT"]), end(None));
        assert_eq!(next(&Autocommit::new(), &["COMMIT"]), end(None));
    }
}
