//! A session beside a model of it: random work on rows that refer to each other, with values that are unique, through flushes,
//! savepoints, rollbacks and commits. After each of them the database, the memory and the model say the same.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use relata::{prelude::*, session::Savepoint};
use relata_tests::{Database, Dice, Server, on_every_database, polled};

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "teams")]
struct Team {
    #[column(primary_key)]
    id: i64,
    #[column(unique, length = 20)]
    name: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "members",
    belongs_to(team: Team, key = team_id),
    belongs_to(boss: Member, key = boss_id),
    many_to_many(tags: Tag, through = MemberTag)
)]
struct Member {
    #[column(primary_key)]
    id: i64,
    #[column(references = Team::id, on_delete = "set null")]
    team_id: Option<i64>,
    #[column(references = Member::id, on_delete = "cascade")]
    boss_id: Option<i64>,
    #[column(unique, length = 20)]
    badge: Option<String>,
    #[column(version)]
    version: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tasks", belongs_to(owner: Member, key = owner_id))]
struct Task {
    #[column(primary_key, generated = false)]
    id: i64,
    #[column(references = Member::id, on_delete = "cascade")]
    owner_id: i64,
    #[column(unique)]
    place: Option<i32>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tags", many_to_many(members: Member, through = MemberTag))]
struct Tag {
    #[column(primary_key, length = 20)]
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "member_tags")]
struct MemberTag {
    #[column(primary_key, references = Member::id, on_delete = "cascade")]
    member_id: i64,
    #[column(primary_key, references = Tag::name, on_delete = "cascade", on_update = "cascade", length = 20)]
    tag_name: String,
}

/// What the rows should be. A row is called by the number of its handle, and so are those that it refers to.
#[derive(Debug, Clone, Default, PartialEq)]
struct World {
    teams: BTreeMap<usize, Option<String>>,
    members: BTreeMap<usize, Person>,
    tasks: BTreeMap<usize, Duty>,
    tags: BTreeMap<usize, String>,
    links: BTreeSet<(usize, usize)>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Person {
    team: Option<usize>,
    boss: Option<usize>,
    badge: Option<String>,
    version: i32,
}

#[derive(Debug, Clone, PartialEq)]
struct Duty {
    id: i64,
    owner: usize,
    place: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Team(usize),
    Member(usize),
    Task(usize),
    Tag(usize),
}

impl World {
    fn rows(&self) -> Vec<Row> {
        let teams = self.teams.keys().map(|row| Row::Team(*row));
        let members = self.members.keys().map(|row| Row::Member(*row));
        let tasks = self.tasks.keys().map(|row| Row::Task(*row));
        let tags = self.tags.keys().map(|row| Row::Tag(*row));
        teams.chain(members).chain(tasks).chain(tags).collect()
    }

    fn is_referred_to(&self, row: Row) -> bool {
        match row {
            Row::Team(team) => self.members.values().any(|member| member.team == Some(team)),
            Row::Member(member) => {
                self.members.values().any(|other| other.boss == Some(member))
                    || self.tasks.values().any(|task| task.owner == member)
                    || self.links.iter().any(|(linked, _)| *linked == member)
            }
            Row::Tag(tag) => self.links.iter().any(|(_, linked)| *linked == tag),
            Row::Task(_) => false,
        }
    }

    /// Deletes a row, with what the database deletes along.
    fn delete(&mut self, row: Row) {
        match row {
            Row::Team(team) => {
                self.teams.remove(&team);
                let members = self.members.values_mut().filter(|member| member.team == Some(team));
                members.for_each(|member| member.team = None);
            }
            Row::Member(member) => {
                self.members.remove(&member);
                self.links.retain(|(linked, _)| *linked != member);
                self.tasks.retain(|_, task| task.owner != member);
                while let Some(below) = self.members.iter().find(|(_, other)| other.boss == Some(member)) {
                    let below = *below.0;
                    self.delete(Row::Member(below));
                }
            }
            Row::Task(task) => drop(self.tasks.remove(&task)),
            Row::Tag(tag) => {
                self.tags.remove(&tag);
                self.links.retain(|(_, linked)| *linked != tag);
            }
        }
    }

    /// Whether no two rows have the same unique value.
    fn is_allowed(&self) -> bool {
        fn differ<T: Ord>(values: impl Iterator<Item = T>) -> bool {
            let mut seen = BTreeSet::new();
            values.into_iter().all(|value| seen.insert(value))
        }
        differ(self.teams.values().flatten())
            && differ(self.members.values().filter_map(|member| member.badge.as_ref()))
            && differ(self.tasks.values().filter_map(|task| task.place))
            && differ(self.tasks.values().map(|task| task.id))
            && differ(self.tags.values())
    }
}

/// A key that is a text.
fn some_name(dice: &mut Dice) -> String {
    format!("tag {}", dice.roll(20))
}

/// One of a few texts, or none: they meet often.
fn some_text(dice: &mut Dice) -> Option<String> {
    Some(dice.roll(8)).filter(|number| *number > 0).map(|number| format!("t{number}"))
}

/// One of a few numbers, or none.
fn some_place(dice: &mut Dice) -> Option<i32> {
    Some(dice.roll(6) as i32).filter(|place| *place > 0)
}

/// Reads a row of which nothing is in memory any more. Whether it was so.
async fn again<E: Entity>(session: &mut Session, handle: &mut Handle<E>, key: E::Key) -> bool {
    let gone = session.try_get(*handle).is_err();
    if gone {
        *handle = session.get::<E>(key).await.unwrap().unwrap();
    }
    gone
}

struct Play<'d> {
    db: &'d Engine,
    session: Session,
    dice: Dice,
    teams: Vec<Handle<Team>>,
    members: Vec<Handle<Member>>,
    tasks: Vec<Handle<Task>>,
    tags: Vec<Handle<Tag>>,
    /// With what is pending, but for what is deleted.
    world: World,
    /// What is to be deleted by the next flush.
    deleted: Vec<Row>,
    /// As it was flushed last.
    flushed: World,
    committed: World,
    savepoints: Vec<(Savepoint, World)>,
    /// The keys that the database has made.
    ids: BTreeMap<Row, i64>,
    /// Rows whose handles were read in this transaction.
    read: BTreeSet<Row>,
    /// Rows that a bulk statement has deleted: nobody has told the memory which.
    lost: BTreeSet<Row>,
    log: Vec<String>,
    recorder: Recorder,
}

impl<'d> Play<'d> {
    fn new(db: &'d Engine, seed: u64) -> Self {
        Play {
            db,
            session: db.session(),
            dice: Dice(seed),
            teams: Vec::new(),
            members: Vec::new(),
            tasks: Vec::new(),
            tags: Vec::new(),
            world: World::default(),
            deleted: Vec::new(),
            flushed: World::default(),
            committed: World::default(),
            savepoints: Vec::new(),
            ids: BTreeMap::new(),
            read: BTreeSet::new(),
            lost: BTreeSet::new(),
            log: vec![format!("seed {seed}")],
            recorder: db.record(),
        }
    }

    fn note(&mut self, what: impl Debug) {
        let writes = self.recorder.take().into_iter().filter(|ran| !ran.sql.starts_with("SELECT"));
        self.log.extend(writes.map(|ran| format!("    {}", ran.sql)));
        self.log.push(format!("{what:?}"));
    }

    /// The rows that can be worked with.
    fn rows(&self) -> Vec<Row> {
        let mut rows = self.world.rows();
        rows.retain(|row| !self.deleted.contains(row));
        rows
    }

    /// One of these that is not to be deleted.
    fn some(&mut self, mut rows: Vec<usize>, row: fn(usize) -> Row) -> Option<usize> {
        rows.retain(|at| !self.deleted.contains(&row(*at)));
        self.dice.pick(&rows)
    }

    fn some_team(&mut self) -> Option<usize> {
        self.some(self.world.teams.keys().copied().collect(), Row::Team)
    }

    fn some_member(&mut self) -> Option<usize> {
        self.some(self.world.members.keys().copied().collect(), Row::Member)
    }

    fn some_task(&mut self) -> Option<usize> {
        self.some(self.world.tasks.keys().copied().collect(), Row::Task)
    }

    fn some_tag(&mut self) -> Option<usize> {
        self.some(self.world.tags.keys().copied().collect(), Row::Tag)
    }

    fn is_pending(&self, row: Row) -> bool {
        !self.flushed.rows().contains(&row)
    }

    fn add(&mut self) {
        match self.dice.roll(6) {
            0 => {
                let name = some_text(&mut self.dice);
                let at = self.teams.len();
                self.note(("add team", at, &name));
                self.teams.push(self.session.add(NewTeam { name: name.clone() }));
                self.world.teams.insert(at, name);
            }
            1 | 2 => {
                let at = self.members.len();
                let (team, boss) = (self.some_team(), self.some_member());
                let (team, boss) =
                    (team.filter(|_| self.dice.roll(2) == 0), boss.filter(|_| self.dice.roll(2) == 0));
                let badge = some_text(&mut self.dice);
                self.note(("add member", at, team, boss, &badge));
                self.members.push(self.session.add(NewMember {
                    team_id: team.map(|team| self.teams[team].into()),
                    boss_id: boss.map(|boss| self.members[boss].into()),
                    badge: badge.clone(),
                }));
                self.world.members.insert(at, Person { team, boss, badge, version: 1 });
            }
            3 | 4 => {
                let Some(owner) = self.some_member() else { return };
                let at = self.tasks.len();
                let place = some_place(&mut self.dice);
                // Now and then the key of another.
                let id = self.dice.roll(8 + at) as i64;
                self.note(("add task", at, id, owner, place));
                self.tasks.push(self.session.add(NewTask {
                    id,
                    owner_id: self.members[owner].into(),
                    place,
                }));
                self.world.tasks.insert(at, Duty { id, owner, place });
            }
            _ => {
                let at = self.tags.len();
                let name = some_name(&mut self.dice);
                self.note(("add tag", at, &name));
                self.tags.push(self.session.add(NewTag { name: name.clone() }));
                self.world.tags.insert(at, name);
            }
        }
    }

    fn edit(&mut self) {
        let Some(row) = self.dice.pick(&self.rows()) else { return };
        let pending = self.is_pending(row);
        match row {
            Row::Team(at) => {
                let name = some_text(&mut self.dice);
                self.note(("name", row, &name));
                match pending {
                    true => self.session.draft_mut(self.teams[at]).unwrap().name = name.clone(),
                    false => self.session[self.teams[at]].name = name.clone(),
                }
                self.world.teams.insert(at, name);
            }
            Row::Member(at) => {
                let badge = some_text(&mut self.dice);
                self.note(("badge", row, &badge));
                match pending {
                    true => self.session.draft_mut(self.members[at]).unwrap().badge = badge.clone(),
                    false => self.session[self.members[at]].badge = badge.clone(),
                }
                self.world.members.get_mut(&at).unwrap().badge = badge;
            }
            Row::Task(at) => {
                let place = some_place(&mut self.dice);
                let id =
                    if self.dice.roll(3) == 0 { self.dice.roll(12) as i64 } else { self.world.tasks[&at].id };
                self.note(("place", row, place, id));
                if pending {
                    let draft = self.session.draft_mut(self.tasks[at]).unwrap();
                    (draft.place, draft.id) = (place, id);
                } else {
                    let task = &mut self.session[self.tasks[at]];
                    (task.place, task.id) = (place, id);
                }
                let task = self.world.tasks.get_mut(&at).unwrap();
                (task.place, task.id) = (place, id);
            }
            Row::Tag(at) => {
                let name = some_name(&mut self.dice);
                self.note(("rename", row, &name));
                match pending {
                    true => self.session.draft_mut(self.tags[at]).unwrap().name = name.clone(),
                    false => self.session[self.tags[at]].name = name.clone(),
                }
                self.world.tags.insert(at, name);
            }
        }
    }

    fn relate(&mut self) {
        match self.dice.roll(6) {
            0 => {
                let (Some(member), Some(team)) = (self.some_member(), self.some_team()) else { return };
                self.note(("set team", member, team));
                self.session.set(self.members[member], Member::team, self.teams[team]);
                self.world.members.get_mut(&member).unwrap().team = Some(team);
            }
            1 => {
                let Some(member) = self.some_member() else { return };
                self.note(("clear team", member));
                self.session.clear(self.members[member], Member::team);
                self.world.members.get_mut(&member).unwrap().team = None;
            }
            2 => {
                let (Some(member), Some(boss)) = (self.some_member(), self.some_member()) else { return };
                self.note(("set boss", member, boss));
                self.session.set(self.members[member], Member::boss, self.members[boss]);
                self.world.members.get_mut(&member).unwrap().boss = Some(boss);
            }
            3 => {
                let (Some(task), Some(owner)) = (self.some_task(), self.some_member()) else { return };
                self.note(("set owner", task, owner));
                self.session.set(self.tasks[task], Task::owner, self.members[owner]);
                self.world.tasks.get_mut(&task).unwrap().owner = owner;
            }
            side => {
                let (Some(member), Some(tag)) = (self.some_member(), self.some_tag()) else { return };
                let from_tag = self.dice.roll(2) == 0;
                self.note((if side == 4 { "link" } else { "unlink" }, member, tag, from_tag));
                let (session, a, b) = (&mut self.session, self.members[member], self.tags[tag]);
                match (side == 4, from_tag) {
                    (true, false) => session.link(a, Member::tags, b),
                    (true, true) => session.link(b, Tag::members, a),
                    (false, false) => session.unlink(a, Member::tags, b),
                    (false, true) => session.unlink(b, Tag::members, a),
                }
                if side == 4 {
                    self.world.links.insert((member, tag));
                } else {
                    self.world.links.remove(&(member, tag));
                }
            }
        }
    }

    fn delete(&mut self) {
        let Some(row) = self.dice.pick(&self.rows()) else { return };
        let pending = self.is_pending(row);
        // Of one that was never there, nothing may be left.
        if pending && self.world.is_referred_to(row) {
            return;
        }
        self.note(("delete", row));
        match row {
            Row::Team(at) => self.session.delete(self.teams[at]),
            Row::Member(at) => self.session.delete(self.members[at]),
            Row::Task(at) => self.session.delete(self.tasks[at]),
            Row::Tag(at) => self.session.delete(self.tags[at]),
        }
        match pending {
            true => self.world.delete(row),
            false => self.deleted.push(row),
        }
    }

    /// What a flush should come to; and whether it may be refused all the same: a row that goes with another was new or edited, so that
    /// it may meet others first, or a key is taken over.
    fn outlook(&self) -> (World, bool) {
        let mut after = self.world.clone();
        for (at, member) in &mut after.members {
            if self.flushed.members.get(at).is_some_and(|flushed| flushed != member) {
                member.version += 1;
            }
        }
        let before = after.clone();
        self.deleted.iter().for_each(|row| after.delete(*row));
        let gone = before.rows().into_iter().filter(|row| !after.rows().contains(row));
        let changed = |row: &Row| match row {
            Row::Team(at) => self.flushed.teams.get(at) != self.world.teams.get(at),
            Row::Member(at) => self.flushed.members.get(at) != self.world.members.get(at),
            Row::Task(at) => self.flushed.tasks.get(at) != self.world.tasks.get(at),
            Row::Tag(at) => self.flushed.tags.get(at) != self.world.tags.get(at),
        };
        let meets = gone.into_iter().any(|row| changed(&row));
        // Keys cannot be NULL for a moment, so that those which are swapped are refused; one may come from a row that goes with another.
        let swaps = after.tasks.iter().any(|(at, task)| {
            self.flushed.tasks.iter().any(|(other, was)| {
                other != at && was.id == task.id && !self.deleted.contains(&Row::Task(*other))
            })
        });
        let renames = after.tags.iter().any(|(at, name)| {
            self.flushed
                .tags
                .iter()
                .any(|(other, was)| other != at && was == name && !self.deleted.contains(&Row::Tag(*other)))
        });
        (after, meets || swaps || renames)
    }

    /// Takes over what a flush came to, or takes everything back after one that rightly failed. Whether it succeeded.
    async fn flushed(&mut self, result: relata::Result<()>) -> bool {
        let (after, unsure) = self.outlook();
        let allowed = after.is_allowed();
        match result {
            Ok(()) => {
                assert!(allowed, "was flushed: {}", self.story());
                (self.world, self.flushed) = (after.clone(), after);
                self.deleted.clear();
                self.compare().await;
                true
            }
            Err(error) => {
                self.note(("failed", error.to_string()));
                // MySQL goes no further down than 15 rows that refer to each other, which a circle has at once.
                let too_deep = error.code() == Some("6575");
                assert!(!allowed || unsure || too_deep, "failed: {error}: {}", self.story());
                assert!(self.session.has_pending(), "{}", self.story());
                let classes =
                    [ErrorClass::Unique, ErrorClass::ForeignKey, ErrorClass::Session, ErrorClass::Stale];
                assert!(classes.contains(&error.class()) || too_deep, "{error}: {}", self.story());
                match self.dice.roll(2) {
                    0 => self.rollback().await,
                    // All is pending still, and may be mended.
                    _ => self.compare_database().await,
                }
                false
            }
        }
    }

    async fn flush(&mut self) {
        self.note("flush");
        let result = self.session.flush().await;
        self.flushed(result).await;
    }

    async fn commit(&mut self) {
        self.note("commit");
        let result = self.session.commit().await;
        if self.flushed(result).await {
            self.committed = self.world.clone();
            self.savepoints.clear();
            self.read.clear();
            let members = Member::select().count(self.db).await.unwrap();
            assert_eq!(members as usize, self.world.members.len(), "{}", self.story());
        }
    }

    async fn rollback(&mut self) {
        self.note("rollback");
        self.session.rollback().await.unwrap();
        self.savepoints.clear();
        self.back_to(self.committed.clone()).await;
    }

    async fn back_to(&mut self, world: World) {
        (self.world, self.flushed) = (world.clone(), world);
        self.deleted.clear();
        assert!(!self.session.has_pending());
        // What was first read in the transaction is not in memory any more.
        let read = self.read.clone();
        self.read_missing(|row| read.contains(row)).await;
        self.compare().await;
    }

    async fn save(&mut self) {
        self.note("savepoint");
        match self.session.savepoint().await {
            Ok(savepoint) => {
                if self.flushed(Ok(())).await {
                    self.savepoints.push((savepoint, self.world.clone()));
                }
            }
            Err(error) => drop(self.flushed(Err(error)).await),
        }
    }

    async fn back(&mut self) {
        let level = self.dice.roll(self.savepoints.len().max(1));
        if self.savepoints.len() <= level {
            return;
        }
        self.savepoints.truncate(level + 1);
        let Some((savepoint, world)) = self.savepoints.pop() else { return };
        if self.dice.roll(3) == 0 {
            self.note("release");
            let result = self.session.release(savepoint).await;
            self.flushed(result).await;
        } else {
            self.note("back to savepoint");
            self.session.rollback_to(savepoint).await.unwrap();
            self.back_to(world).await;
        }
    }

    fn story(&self) -> String {
        let last = self.log.len().saturating_sub(400);
        let sql = self.recorder.statements().into_iter().map(|ran| format!("\n    {}", ran.sql));
        format!("{}\n{}{}", self.log[0], self.log[last..].join("\n"), sql.collect::<String>())
    }

    /// A flush that is dropped midway: nobody knows what it did, and it is rolled back.
    async fn abandon(&mut self) {
        let polls = self.dice.roll(8);
        self.note(("flush, dropped", polls));
        match polled(self.session.flush(), polls).await {
            Some(result) => drop(self.flushed(result).await),
            None => {
                if polls > 0 {
                    let error = self.session.flush().await.unwrap_err();
                    assert_eq!(error.class(), ErrorClass::Poisoned, "{error}: {}", self.story());
                }
                self.rollback().await;
            }
        }
    }

    /// A statement that changes or deletes many rows.
    async fn bulk(&mut self) {
        self.note("bulk");
        let result = self.session.flush().await;
        if !self.flushed(result).await {
            return;
        }
        if self.dice.roll(2) == 0 {
            let team = self.some_team();
            self.note(("no badges in", team));
            let id = team.map(|team| self.ids[&Row::Team(team)]);
            let update = update::<Member>()
                .set(Member::badge, None::<String>)
                .filter(Member::team_id.is_not_distinct_from(id));
            update.execute(&mut self.session).await.unwrap();
            for member in self.world.members.values_mut().filter(|member| member.team == team) {
                (member.badge, member.version) = (None, member.version + 1);
            }
        } else {
            let place = self.dice.roll(6) as i32;
            self.note(("no tasks at", place));
            delete::<Task>().filter(Task::place.eq(place)).execute(&mut self.session).await.unwrap();
            let gone = self.world.tasks.iter().filter(|(_, task)| task.place == Some(place));
            self.lost.extend(gone.map(|(at, _)| Row::Task(*at)));
            self.world.tasks.retain(|_, task| task.place != Some(place));
        }
        self.flushed = self.world.clone();
        self.compare().await;
    }

    /// Takes rows out of the session and reads them again.
    async fn forget(&mut self) {
        if self.session.has_pending() {
            return;
        }
        let all = self.dice.roll(3) == 0;
        self.note(("forget", all));
        if all {
            self.session.clear_clean();
        } else if let Some(row) = self.dice.pick(&self.rows()) {
            self.note(row);
            match row {
                Row::Team(at) => drop(self.session.expunge(self.teams[at]).unwrap()),
                Row::Member(at) => drop(self.session.expunge(self.members[at]).unwrap()),
                Row::Task(at) => drop(self.session.expunge(self.tasks[at]).unwrap()),
                Row::Tag(at) => drop(self.session.expunge(self.tags[at]).unwrap()),
            }
        }
        self.read_missing(|_| true).await;
        self.compare().await;
    }

    /// Reads such rows that are not in memory.
    async fn read_missing(&mut self, such: impl Fn(&Row) -> bool) {
        for row in self.world.rows().into_iter().filter(such) {
            let Play { session, ids, .. } = self;
            let read = match row {
                Row::Team(at) => again(session, &mut self.teams[at], ids[&row]).await,
                Row::Member(at) => again(session, &mut self.members[at], ids[&row]).await,
                Row::Task(at) => again(session, &mut self.tasks[at], self.world.tasks[&at].id).await,
                Row::Tag(at) => again(session, &mut self.tags[at], self.world.tags[&at].clone()).await,
            };
            self.read.extend(read.then_some(row));
        }
    }

    /// The database, the memory and the model say the same.
    async fn compare(&mut self) {
        self.compare_memory().await;
        let Play { world, session, ids, .. } = self;
        ids.extend(world.teams.keys().map(|at| (Row::Team(*at), session[self.teams[*at]].id)));
        ids.extend(world.members.keys().map(|at| (Row::Member(*at), session[self.members[*at]].id)));
        self.compare_database().await;
    }

    /// What was flushed is in the database, and nothing else.
    async fn compare_database(&mut self) {
        let world = &self.flushed;
        let ids = &self.ids;
        let mut expected: Vec<Team> = world
            .teams
            .iter()
            .map(|(at, name)| Team { id: ids[&Row::Team(*at)], name: name.clone() })
            .collect();
        expected.sort_by_key(|team| team.id);
        let found = Team::select().order_by(Team::id).all(&mut self.session.unflushed()).await.unwrap();
        assert_eq!(found, expected, "{}", self.story());
        let mut expected: Vec<Member> = world
            .members
            .iter()
            .map(|(at, member)| Member {
                id: ids[&Row::Member(*at)],
                team_id: member.team.map(|team| ids[&Row::Team(team)]),
                boss_id: member.boss.map(|boss| ids[&Row::Member(boss)]),
                badge: member.badge.clone(),
                version: member.version,
            })
            .collect();
        expected.sort_by_key(|member| member.id);
        let found = Member::select().order_by(Member::id).all(&mut self.session.unflushed()).await.unwrap();
        assert_eq!(found, expected, "{}", self.story());
        let mut expected: Vec<Task> = world
            .tasks
            .values()
            .map(|task| Task { id: task.id, owner_id: ids[&Row::Member(task.owner)], place: task.place })
            .collect();
        expected.sort_by_key(|task| task.id);
        let found = Task::select().order_by(Task::id).all(&mut self.session.unflushed()).await.unwrap();
        assert_eq!(found, expected, "{}", self.story());
        let links =
            world.links.iter().map(|(member, tag)| (ids[&Row::Member(*member)], world.tags[tag].clone()));
        let expected: BTreeSet<(i64, String)> = links.collect();
        let links = select((MemberTag::member_id, MemberTag::tag_name));
        let found = links.all(&mut self.session.unflushed()).await.unwrap();
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{}", self.story());
        let tags = select(Tag::name).all(&mut self.session.unflushed()).await.unwrap();
        let expected: BTreeSet<String> = self.flushed.tags.values().cloned().collect();
        assert_eq!(tags.into_iter().collect::<BTreeSet<_>>(), expected, "{}", self.story());
    }

    /// What is stale is read again first, now and then by its key.
    async fn fresh<E: Entity>(&mut self, handle: Handle<E>) {
        if self.session.is_stale(handle).unwrap() {
            let key = self.session[handle].key();
            if self.dice.roll(2) == 0 {
                self.session.refresh(handle).await.unwrap();
            } else {
                assert_eq!(self.session.get::<E>(key).await.unwrap(), Some(handle), "{}", self.story());
            }
        }
        let key = self.session[handle].key();
        assert_eq!(self.session.get::<E>(key).await.unwrap(), Some(handle), "{}", self.story());
        assert!(!self.session.is_modified(handle).unwrap());
    }

    async fn compare_memory(&mut self) {
        let world = self.world.clone();
        for at in 0..self.teams.len() {
            let handle = self.teams[at];
            match world.teams.get(&at) {
                None => assert!(self.session.try_get(handle).is_err(), "team {at}: {}", self.story()),
                Some(name) => {
                    assert!(self.session.try_get(handle).is_ok(), "team {at}: {}", self.story());
                    self.fresh(handle).await;
                    assert_eq!(&self.session[handle].name, name, "team {at}: {}", self.story());
                }
            }
        }
        for at in 0..self.members.len() {
            let handle = self.members[at];
            let Some(expected) = world.members.get(&at) else {
                assert!(self.session.try_get(handle).is_err(), "member {at}: {}", self.story());
                continue;
            };
            assert!(self.session.try_get(handle).is_ok(), "member {at}: {}", self.story());
            self.fresh(handle).await;
            let found = &self.session[handle];
            let (team, boss) = (found.team_id, found.boss_id);
            assert_eq!(
                (&found.badge, found.version),
                (&expected.badge, expected.version),
                "member {at}: {}",
                self.story()
            );
            assert_eq!(
                team,
                expected.team.map(|team| self.session[self.teams[team]].id),
                "member {at}: {}",
                self.story()
            );
            assert_eq!(
                boss,
                expected.boss.map(|boss| self.session[self.members[boss]].id),
                "member {at}: {}",
                self.story()
            );
        }
        for at in 0..self.tasks.len() {
            let handle = self.tasks[at];
            let Some(expected) = world.tasks.get(&at) else {
                let gone = self.session.try_get(handle).is_err();
                assert!(gone || self.lost.contains(&Row::Task(at)), "task {at}: {}", self.story());
                continue;
            };
            assert!(self.session.try_get(handle).is_ok(), "task {at}: {}", self.story());
            self.fresh(handle).await;
            let found = self.session[handle].clone();
            let owner = self.session[self.members[expected.owner]].id;
            assert_eq!(
                found,
                Task { id: expected.id, owner_id: owner, place: expected.place },
                "{}",
                self.story()
            );
        }
        for at in 0..self.tags.len() {
            let handle = self.tags[at];
            let Some(name) = world.tags.get(&at) else {
                assert!(self.session.try_get(handle).is_err(), "tag {at}: {}", self.story());
                continue;
            };
            assert!(self.session.try_get(handle).is_ok(), "tag {at}: {}", self.story());
            self.fresh(handle).await;
            assert_eq!(&self.session[handle].name, name, "tag {at}: {}", self.story());
        }
    }

    async fn step(&mut self) {
        match self.dice.roll(43) {
            0..=11 => self.add(),
            12..=19 => self.edit(),
            20..=28 => self.relate(),
            29..=31 => self.delete(),
            32..=34 => self.flush().await,
            35 => self.save().await,
            36 => self.back().await,
            37 | 38 => self.commit().await,
            39 => self.rollback().await,
            40 => self.abandon().await,
            41 => self.bulk().await,
            _ => self.forget().await,
        }
    }
}

/// How many games are played, each of this many steps. `RELATA_TEST_GAMES` plays more, from the seed `RELATA_TEST_SEED` on.
fn games(db: &Database) -> (u64, usize) {
    match std::env::var("RELATA_TEST_GAMES").ok().and_then(|games| games.parse().ok()) {
        Some(games) => (games, 150),
        None if db.server() == Server::Sqlite => (40, 150),
        None => (6, 100),
    }
}

on_every_database! {
    async fn the_database_the_memory_and_a_model_agree(db: Database) {
        Schema::new().with::<Team>().with::<Member>().with::<Task>().with::<Tag>().with::<MemberTag>().create(&*db).await.unwrap();
        let (games, steps) = games(&db);
        let first = std::env::var("RELATA_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        for seed in first..first + games {
            let mut play = Play::new(&db, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            play.log[0] = format!("seed {seed}");
            for _ in 0..steps {
                play.step().await;
            }
            play.session.rollback().await.unwrap();
            for table in ["member_tags", "tasks", "members", "teams", "tags"] {
                relata::statement::sql_unchecked(format!("DELETE FROM {table}")).execute(&*db).await.unwrap();
            }
        }
    }
}
