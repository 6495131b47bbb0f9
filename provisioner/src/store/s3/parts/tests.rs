//! Who has which part, against a bucket in memory: tenants beside each other, the whole beside none.

use std::time::Duration;

use engine::State;
use engine::state::StateStore as _;

use super::*;
use crate::store::s3::memory::{Fault, Memory};
use crate::store::s3::tests::{LONG, SHORT, STACK, exists, holder, names, place, removed};

async fn lock_part(memory: &Memory, tenant: &str, user: &str, times: Times) -> Result<S3Store, LockError> {
    let objects: Arc<dyn Objects> = Arc::new(memory.clone());
    lock(&objects, &place(), tenant, &holder(user), times, &|_| {}).await
}

/// As a run over the whole does it: the state's lock, then everybody's part.
async fn lock_whole(memory: &Memory, user: &str, times: Times) -> Result<S3Store, LockError> {
    let objects: Arc<dyn Objects> = Arc::new(memory.clone());
    let store = crate::store::s3::tests::lock(memory, user, times).await?;
    match drain(&objects, &place(), &holder(user), times, &|_| {}).await {
        Ok(()) => Ok(store),
        Err(error) => {
            // A run that was killed gives nothing back.
            let _ = store.release().await;
            Err(error)
        }
    }
}

async fn ended(store: S3Store) {
    store.release().await.expect("released");
}

/// A state that was applied once, so that its lock has been there.
async fn begun() -> Memory {
    let memory = Memory::default();
    let store = lock_whole(&memory, "ana", LONG).await.expect("locked");
    store.fold(&State::empty(STACK)).await.expect("folded");
    ended(store).await;
    memory
}

#[tokio::test]
async fn tenants_have_their_parts_side_by_side_and_the_whole_waits_for_all() {
    let memory = begun().await;
    let acme = lock_part(&memory, "acme", "ana", LONG).await.expect("locked");
    let beta = lock_part(&memory, "beta", "ben", LONG).await.expect("locked beside");
    let again = lock_part(&memory, "acme", "cem", LONG).await.err().expect("held").to_string();
    assert!(again.contains("s3://b/billform/shop.json.tenants/acme is in use by") && again.contains("ana"), "{again}");
    let whole = lock_whole(&memory, "cem", LONG).await.err().expect("held").to_string();
    assert!(whole.contains(".tenants/acme is in use by"), "{whole}");

    acme.append(&[exists("a")]).await.expect("appended");
    beta.append(&[exists("b")]).await.expect("appended");
    ended(acme).await;
    let whole = lock_whole(&memory, "cem", LONG).await.err().expect("held").to_string();
    assert!(whole.contains(".tenants/beta is in use by"), "{whole}");
    ended(beta).await;
    let whole = lock_whole(&memory, "cem", LONG).await.expect("all gave back");
    let refused = lock_part(&memory, "acme", "ana", LONG).await.err().expect("held").to_string();
    assert!(refused.contains("s3://b/billform/shop.json is in use by") && refused.contains("cem"), "{refused}");
    ended(whole).await;
    ended(lock_part(&memory, "acme", "ana", LONG).await.expect("free again")).await;
}

/// A run that died with a part is waited for as one that lives, then shut out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_is_had_when_a_dead_tenants_lock_lapsed_and_its_late_writes_fail() {
    let memory = begun().await;
    let dead = lock_part(&memory, "acme", "ana", SHORT).await.expect("locked");
    dead.append(&[exists("a")]).await.expect("appended");
    dead.held.as_ref().expect("held").beating.stop().await;
    let waiting = Times { patience: Duration::from_secs(60), ..SHORT };
    let whole = lock_whole(&memory, "cem", waiting).await.expect("lapsed");
    dead.append(&[removed("a")]).await.expect_err("sealed");
    let part = S3Store::open(Arc::new(memory.clone()), part(&place(), "acme"));
    assert_eq!(names(&part.load(STACK).await.expect("loads")), ["a"], "what it acknowledged is there");
    ended(whole).await;
}

/// What a dead run over the whole may still be writing is settled before a tenant goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_settles_what_a_dead_run_over_the_whole_left() {
    let memory = begun().await;
    let dead = lock_whole(&memory, "ana", SHORT).await.expect("locked");
    dead.append(&[exists("a")]).await.expect("appended");
    dead.held.as_ref().expect("held").beating.stop().await;
    assert!(matches!(lock_part(&memory, "acme", "ben", SHORT).await, Err(LockError::Held { .. })), "it has not lapsed");
    let waiting = Times { patience: Duration::from_secs(60), ..SHORT };
    let acme = lock_part(&memory, "acme", "ben", waiting).await.expect("lapsed");
    dead.append(&[removed("a")]).await.expect_err("sealed");
    let main = S3Store::open(Arc::new(memory.clone()), place());
    assert_eq!(names(&main.load(STACK).await.expect("loads")), ["a"]);
    ended(acme).await;
}

/// Whole and part are asked for at once, one of them a few moments later each time: never both have it.
#[tokio::test]
async fn of_whole_and_part_asked_for_at_once_at_most_one_is_had() {
    let (mut both_refused, mut whole_first, mut part_first) = (0, 0, 0);
    for moment in 0..24_u32 {
        for part_begins in [true, false] {
            let memory = begun().await;
            let later = async {
                for _ in 0..moment {
                    tokio::task::yield_now().await;
                }
            };
            let (whole, part) = if part_begins {
                tokio::join!(
                    async {
                        later.await;
                        lock_whole(&memory, "ana", LONG).await
                    },
                    lock_part(&memory, "acme", "ben", LONG)
                )
            } else {
                tokio::join!(lock_whole(&memory, "ana", LONG), async {
                    later.await;
                    lock_part(&memory, "acme", "ben", LONG).await
                })
            };
            match (whole.is_ok(), part.is_ok()) {
                (true, true) => panic!("both have it: {moment}, part first: {part_begins}"),
                (true, false) => whole_first += 1,
                (false, true) => part_first += 1,
                (false, false) => both_refused += 1,
            }
        }
    }
    assert!(whole_first > 0 && part_first > 0, "{whole_first} {part_first} {both_refused}");
}

/// Whoever takes a part or the whole is killed at each call in turn; whoever comes next gets in, and nothing is lost.
#[tokio::test]
async fn taking_a_part_and_draining_can_be_killed_anywhere() {
    let prepared = || async {
        let memory = begun().await;
        let acme = lock_part(&memory, "acme", "ana", LONG).await.expect("locked");
        let mut state = State::empty(STACK);
        state.take(exists("a"));
        acme.fold(&state).await.expect("folded");
        acme.append(&[exists("b")]).await.expect("appended");
        bury(&memory, "acme").await;
        (memory.for_another(), acme)
    };
    for whole in [true, false] {
        let (clean, _) = prepared().await;
        taken(&clean, whole).await.expect("taken");
        for n in 1..=clean.calls() {
            let (memory, first) = prepared().await;
            memory.arm(n, Fault::Killed);
            let _ = taken(&memory, whole).await;
            let after = memory.for_another();
            bury(&after, "acme").await;
            S3Store::open(Arc::new(after.clone()), place()).break_lock().await.expect("the lock is removed");
            let third = lock_whole(&after, "cem", LONG).await.unwrap_or_else(|why| panic!("call {n}: {why}"));
            first.append(&[exists("late")]).await.expect_err("the first is sealed out");
            let part = S3Store::open(Arc::new(after.clone()), part(&place(), "acme"));
            assert_eq!(names(&part.load(STACK).await.expect("loads")), ["a", "b"], "call {n}, whole: {whole}");
            ended(third).await;
        }
    }
}

async fn taken(memory: &Memory, whole: bool) -> Result<(), LockError> {
    let store =
        if whole { lock_whole(memory, "ben", LONG).await? } else { lock_part(memory, "acme", "ben", LONG).await? };
    given_back(&store, &place()).await
}

async fn bury(memory: &Memory, tenant: &str) {
    let part = part(&place(), tenant);
    S3Store::open(Arc::new(memory.for_another()), part).break_lock().await.expect("the lock is removed");
}

#[tokio::test]
async fn a_discarded_part_leaves_its_lock_alone() {
    let memory = begun().await;
    for tenant in ["acme", "beta"] {
        let part = lock_part(&memory, tenant, "ana", LONG).await.expect("locked");
        part.fold(&State::empty(STACK)).await.expect("folded");
        part.append(&[exists("a")]).await.expect("appended");
        ended(part).await;
    }
    assert_eq!(kept(&memory, &place()).await.expect("listed"), ["acme", "beta"]);
    discard(&memory, &place(), &["acme".to_owned()]).await;
    assert_eq!(kept(&memory, &place()).await.expect("listed"), ["beta"]);
    assert_eq!(locks(&memory, &place()).await.expect("listed"), ["acme", "beta"], "tokens are remembered");
    let of_acme: Vec<String> = memory.keys().into_iter().filter(|key| key.contains("/acme")).collect();
    assert_eq!(of_acme, ["billform/shop.json.tenants/acme.lock"]);
}
