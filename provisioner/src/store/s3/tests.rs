//! The store against a bucket in memory: every call of a run fails in turn, and holders overtake one another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engine::state::{Entry, StateStore};
use engine::{Address, Record, State};
use serde_json::json;

use super::lease::Times;
use super::memory::{Fault, Memory};
use super::{LockError, Place, S3Store, probe};
use crate::store::holder::Holder;

pub(super) const STACK: &str = "shop";
/// Long enough that no test outlasts it.
pub(super) const LONG: Times = Times { lease: Duration::from_secs(600), patience: Duration::ZERO };
pub(super) const SHORT: Times = Times { lease: Duration::from_millis(400), patience: Duration::ZERO };

pub(super) fn place() -> Place {
    Place { bucket: "b".to_owned(), key: "billform/shop.json".to_owned(), stack: STACK.to_owned() }
}

pub(super) fn holder(user: &str) -> Holder {
    Holder {
        command: "billform apply".to_owned(),
        user: user.to_owned(),
        host: "desk".to_owned(),
        pid: 7,
        since: "2026-11-25 20:00:00 UTC".to_owned(),
    }
}

pub(super) async fn lock(memory: &Memory, user: &str, times: Times) -> Result<S3Store, LockError> {
    S3Store::lock(Arc::new(memory.clone()), place(), &holder(user), times, &|_| {}).await
}

pub(super) fn exists(name: &str) -> Entry {
    Entry::Exists(Box::new(Record {
        address: Address::new("iam_role", name),
        id: name.to_owned(),
        tenant: None,
        fields: json!({ "name": name }).into(),
        outputs: BTreeMap::new(),
        depends_on: BTreeSet::new(),
        pending: None,
        generation: None,
    }))
}

pub(super) fn removed(name: &str) -> Entry {
    Entry::Removed(Address::new("iam_role", name))
}

pub(super) fn names(state: &State) -> Vec<&str> {
    state.records.keys().map(Address::name).collect()
}

async fn seen(memory: &Memory) -> State {
    let store = S3Store::open(Arc::new(memory.for_another()), place());
    store.load(STACK).await.expect("the state is read")
}

/// Frees the lock of a run that is known dead.
async fn bury(memory: &Memory) {
    S3Store::open(Arc::new(memory.for_another()), place()).break_lock().await.expect("the lock is removed");
}

#[tokio::test]
async fn what_was_appended_is_read_with_and_without_a_fold() {
    let memory = Memory::default();
    let store = lock(&memory, "ana", LONG).await.expect("locked");
    let mut state = store.load(STACK).await.expect("loads");
    assert_eq!(names(&state), Vec::<&str>::new());
    store.append(&[exists("a"), exists("b")]).await.expect("appended");
    store.append(&[removed("a"), exists("c")]).await.expect("appended");
    assert_eq!(names(&seen(&memory).await), ["b", "c"]);
    for entry in [exists("b"), exists("c")] {
        state.take(entry);
    }
    state.serial += 1;
    store.fold(&state).await.expect("folded");
    assert_eq!(seen(&memory).await, state);
    assert_eq!(store.load(STACK).await.expect("loads"), state);
    store.release().await.expect("released");
    assert_eq!(memory.keys(), ["billform/shop.json", "billform/shop.json.lock"], "the journal is gone");
    let next = lock(&memory, "ben", LONG).await.expect("free again");
    assert_eq!(next.load(STACK).await.expect("loads"), state);
}

#[tokio::test]
async fn a_step_costs_one_call_whatever_the_states_size() {
    let memory = Memory::default();
    let store = lock(&memory, "ana", LONG).await.expect("locked");
    let mut state = store.load(STACK).await.expect("loads");
    (0..500).for_each(|n| state.take(exists(&format!("r{n}"))));
    store.fold(&state).await.expect("folded");
    let before = memory.calls();
    for n in 0..20 {
        store.append(&[exists(&format!("s{n}"))]).await.expect("appended");
    }
    assert_eq!(memory.calls() - before, 20);
}

#[tokio::test]
async fn a_second_run_learns_who_holds_the_lock_and_for_how_long() {
    let memory = Memory::dated(true);
    let first = lock(&memory, "ana", LONG).await.expect("locked");
    let Err(LockError::Held { met, .. }) = lock(&memory, "ben", LONG).await else { panic!("both have it") };
    assert_eq!(met.lock.holder, Some(holder("ana")));
    assert!(met.left > Duration::from_secs(600) && met.left <= Duration::from_secs(660), "{:?}", met.left);
    let said = lock(&memory, "ben", LONG).await.err().expect("held").to_string();
    assert!(said.contains("`billform apply` of ana on desk, process 7"), "{said}");
    first.release().await.expect("released");
    let second = lock(&memory, "ben", LONG).await.expect("free again");
    let (ours, theirs) = (second.held.as_ref().expect("held").fence, first.held.as_ref().expect("held").fence);
    assert!(ours > theirs, "fencing tokens grow");
}

#[tokio::test]
async fn who_waits_gets_in_when_it_is_given_back() {
    let memory = Memory::default();
    let first = lock(&memory, "ana", LONG).await.expect("locked");
    let waiting = Times { patience: Duration::from_secs(60), lease: Duration::from_millis(600) };
    let (second, ()) = tokio::join!(lock(&memory, "ben", waiting), async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        first.release().await.expect("released");
    });
    second.expect("in");
}

/// A run that keeps its lock alive is waited for, however long that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_living_holder_is_not_overtaken() {
    let memory = Memory::dated(true);
    let first = lock(&memory, "ana", Times { lease: Duration::from_secs(1), ..SHORT }).await.expect("locked");
    let waiting = Times { patience: Duration::from_secs(3), ..SHORT };
    assert!(matches!(lock(&memory, "ben", waiting).await, Err(LockError::Held { .. })));
    assert!(first.term().expect("held").check().is_ok(), "the lock was kept alive");
}

/// Whether the store tells the age of the lock or we have to watch it: it is free when it lapsed, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_the_next_gets_in_by_itself() {
    for dated in [true, false] {
        let memory = Memory::dated(dated);
        let first = lock(&memory, "ana", SHORT).await.expect("locked");
        first.append(&[exists("a")]).await.expect("appended");
        // What a kill does: nothing is given back, no heart beats.
        first.held.as_ref().expect("held").beating.stop().await;
        assert!(matches!(lock(&memory, "ben", SHORT).await, Err(LockError::Held { .. })), "it has not lapsed");
        let began = std::time::Instant::now();
        let waiting = Times { patience: Duration::from_secs(60), ..SHORT };
        let second = lock(&memory, "ben", waiting).await.expect("lapsed");
        assert!(dated || began.elapsed() >= SHORT.lease, "a whole lease was watched");
        assert_eq!(names(&second.load(STACK).await.expect("loads")), ["a"]);
    }
}

#[tokio::test]
async fn an_overtaken_holder_corrupts_nothing_and_says_why() {
    let memory = Memory::default();
    let first = lock(&memory, "ana", LONG).await.expect("locked");
    let mut old = first.load(STACK).await.expect("loads");
    first.append(&[exists("a")]).await.expect("appended");
    old.take(exists("a"));
    bury(&memory).await;
    let second = lock(&memory, "ben", LONG).await.expect("locked");
    let mut state = second.load(STACK).await.expect("loads");
    assert_eq!(names(&state), ["a"]);
    // By its own clock the first still has the lock, so that only the store can stop it.
    let error = first.append(&[removed("a")]).await.expect_err("sealed");
    assert!(error.message.contains("took the lock over"), "{}", error.message);
    let error = first.fold(&old).await.expect_err("folded by another");
    assert!(error.message.contains("cannot be written"), "{}", error.message);
    let halt = first.term().expect("held").check().expect_err("lost");
    assert!(halt.0.contains("took"), "{halt}");
    second.append(&[exists("b")]).await.expect("appended");
    assert_eq!(names(&seen(&memory).await), ["a", "b"]);
    state.take(exists("b"));
    second.fold(&state).await.expect("folded");
    second.release().await.expect("released");
    first.release().await.expect("nothing to give back");
    assert_eq!(names(&seen(&memory).await), ["a", "b"]);
    lock(&memory, "cem", LONG).await.expect("free").release().await.expect("released");
}

/// The first holder's append was on its way when the second took over: it lands before the seal or not at all.
#[tokio::test]
async fn an_append_that_overtakes_the_seal_is_read() {
    let memory = Memory::default();
    let first = lock(&memory, "ana", LONG).await.expect("locked");
    bury(&memory).await;
    // Every moment of the second's settling in turn is the moment at which the first appends.
    for moment in 1..12_u64 {
        let name = format!("r{moment}");
        let entries = [exists(&name)];
        let taking = lock(&memory, "ben", LONG);
        tokio::pin!(taking);
        let mut appended = None;
        let mut polls = 0;
        let second = loop {
            polls += 1;
            tokio::select! {
                biased;
                second = &mut taking => break second.expect("locked"),
                () = tokio::task::yield_now() => {}
            }
            if polls == moment && appended.is_none() {
                appended = Some(first.append(&entries).await.is_ok());
            }
        };
        let state = second.load(STACK).await.expect("loads");
        assert_eq!(state.records.contains_key(&Address::new("iam_role", &name)), appended == Some(true), "{moment}");
        if appended == Some(false) {
            return;
        }
        bury(&memory).await;
    }
}

#[tokio::test]
async fn a_lock_that_somebody_deleted_does_not_bring_old_tokens_back() {
    let memory = Memory::default();
    let first = lock(&memory, "ana", LONG).await.expect("locked");
    first.append(&[exists("a")]).await.expect("appended");
    use super::objects::Objects as _;
    memory.delete(&["billform/shop.json.lock".to_owned()]).await.expect("deleted");
    let second = lock(&memory, "ben", LONG).await.expect("locked");
    assert!(second.held.as_ref().expect("held").fence > first.held.as_ref().expect("held").fence);
    first.append(&[removed("a")]).await.expect_err("sealed");
    assert_eq!(names(&second.load(STACK).await.expect("loads")), ["a"]);
}

#[tokio::test]
async fn damage_newer_versions_and_other_stacks_are_named_and_can_be_replaced() {
    for (text, said) in [
        ("{", "is damaged"),
        (r#"{"version":1,"stack":"shop","ser"#, "is damaged"),
        (r#"{"version":99}"#, "use a newer billform"),
        (r#"{"version":1,"stack":"other","serial":1,"records":{}}"#, "is of stack `other`"),
    ] {
        let memory = Memory::default();
        lock(&memory, "ana", LONG).await.expect("locked").release().await.expect("released");
        memory.set("billform/shop.json", text.as_bytes());
        let error = S3Store::open(Arc::new(memory.clone()), place()).load(STACK).await.expect_err(said);
        assert!(error.message.contains(said) && error.message.contains("s3://b/"), "{}", error.message);
        let store = lock(&memory, "ana", LONG).await.expect("locked all the same");
        let error = store.load(STACK).await.expect_err(said);
        assert!(error.message.contains(said), "{}", error.message);
        let mut state = State::empty(STACK);
        state.take(exists("a"));
        store.fold(&state).await.expect("replaced");
        store.release().await.expect("released");
        assert_eq!(seen(&memory).await, state);
    }
}

#[tokio::test]
async fn a_journal_with_a_gap_or_a_torn_segment_is_damaged() {
    let memory = Memory::default();
    let store = lock(&memory, "ana", LONG).await.expect("locked");
    for name in ["a", "b", "c"] {
        store.append(&[exists(name)]).await.expect("appended");
    }
    let segment = memory.keys().into_iter().filter(|key| key.contains(".journal/")).nth(1).expect("three segments");
    memory.set(&segment, b"{\"writer\":\"w\",\"entries\":2}\n");
    let reader = S3Store::open(Arc::new(memory.for_another()), place());
    let error = reader.load(STACK).await.expect_err("torn");
    assert!(error.message.contains("0 entries of 2"), "{}", error.message);
    use super::objects::Objects as _;
    memory.delete(&[segment]).await.expect("deleted");
    let error = reader.load(STACK).await.expect_err("a gap");
    assert!(error.message.contains("is missing"), "{}", error.message);
}

#[tokio::test]
async fn stores_that_ignore_conditions_are_refused() {
    let lax = Memory::lax();
    let error = lock(&lax, "ana", LONG).await.err().expect("refused").to_string();
    assert!(error.contains("takes writes whose condition does not hold"), "{error}");
    assert_eq!(lax.keys(), Vec::<String>::new(), "nothing stays");
    probe(&Memory::default(), &place()).await.expect("a store that honours them");
}

/// What one run does, as an apply does it: acknowledged entries go to `kept`.
async fn run(memory: &Memory, kept: &mut Vec<Entry>) -> Result<(), String> {
    let store = lock(memory, "ana", LONG).await.map_err(|error| error.to_string())?;
    let ran = async {
        let mut state = store.load(STACK).await.map_err(|error| error.message)?;
        for entries in [vec![exists("a"), exists("b")], vec![removed("a")], vec![exists("c")]] {
            store.append(&entries).await.map_err(|error| error.message)?;
            kept.extend(entries.iter().cloned());
            entries.into_iter().for_each(|entry| state.take(entry));
        }
        state.serial += 1;
        store.fold(&state).await.map_err(|error| error.message)
    };
    let ran = ran.await;
    let released = store.release().await.map_err(|error| error.to_string());
    ran.and(released)
}

/// Each call of a run fails in each way; then the next run goes on from what was acknowledged.
#[tokio::test]
async fn a_fault_at_any_call_loses_nothing_that_was_acknowledged() {
    let clean = Memory::default();
    run(&clean, &mut Vec::new()).await.expect("a clean run");
    let calls = clean.calls();
    assert!(calls > 10, "{calls}");
    for fault in [Fault::Before, Fault::Repeated, Fault::Lost, Fault::Killed] {
        for n in 1..=calls {
            let memory = Memory::default();
            memory.arm(n, fault);
            let mut kept = Vec::new();
            let ran = run(&memory, &mut kept).await;
            assert!(fault != Fault::Repeated || ran.is_ok(), "call {n}: a lost answer is found out: {ran:?}");
            let mut expected = State::empty(STACK);
            kept.iter().cloned().for_each(|entry| expected.take(entry));
            let seen = seen(&memory).await;
            // What was not acknowledged may be there all the same, but nothing that was is missing.
            let all = ["a", "b", "c"].map(|name| Address::new("iam_role", name));
            for address in all.iter().filter(|address| expected.records.contains_key(address)) {
                let later = address.name() == "a" && kept.len() == 2;
                assert!(later || seen.records.contains_key(address), "{fault:?} at call {n}: {address} is lost");
            }
            bury(&memory).await;
            let mut again = Vec::new();
            run(&memory.for_another(), &mut again).await.unwrap_or_else(|why| panic!("{fault:?} at call {n}: {why}"));
            let state = self::seen(&memory).await;
            assert_eq!(names(&state), ["b", "c"], "{fault:?} at call {n}");
        }
    }
}

/// The run that comes after a kill is killed itself at each of its calls: settling can be broken off anywhere.
#[tokio::test]
async fn taking_over_can_be_killed_anywhere() {
    let killed = || async {
        let memory = Memory::default();
        let store = lock(&memory, "ana", LONG).await.expect("locked");
        store.append(&[exists("a"), exists("b")]).await.expect("appended");
        store.append(&[removed("a")]).await.expect("appended");
        bury(&memory).await;
        (memory.for_another(), store)
    };
    let (clean, _) = killed().await;
    run(&clean, &mut Vec::new()).await.expect("taken over");
    for n in 1..=clean.calls() {
        let (memory, first) = killed().await;
        memory.arm(n, Fault::Killed);
        let _ = run(&memory, &mut Vec::new()).await;
        bury(&memory).await;
        let third = lock(&memory.for_another(), "cem", LONG).await.unwrap_or_else(|why| panic!("call {n}: {why}"));
        let state = third.load(STACK).await.expect("loads");
        assert!(state.records.contains_key(&Address::new("iam_role", "b")), "call {n}");
        first.append(&[exists("late")]).await.expect_err("the first is sealed out");
        third.fold(&state).await.expect("folded");
        assert_eq!(seen(&memory).await, state, "call {n}");
    }
}
