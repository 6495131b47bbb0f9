use super::*;
use engine::{Address, Record};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

fn record(name: &str) -> Record {
    Record {
        address: Address::new("iam_role", name),
        id: name.to_owned(),
        tenant: None,
        fields: json!({ "name": name }).into(),
        outputs: BTreeMap::new(),
        depends_on: BTreeSet::new(),
        pending: None,
        generation: None,
    }
}

/// Who is in the way.
fn holder(locked: Result<FileStore, LockError>) -> String {
    match locked.err() {
        Some(LockError::Held { holder, .. }) => holder,
        other => panic!("not held: {other:?}"),
    }
}

fn exists(name: &str) -> Entry {
    Entry::Exists(Box::new(record(name)))
}

#[tokio::test]
async fn what_was_appended_survives_without_a_fold() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/state.json");
    let store = FileStore::lock(&path, "test").expect("locked");
    store.append(&[exists("a"), exists("b"), Entry::Removed(Address::new("iam_role", "a"))]).await.expect("appended");
    drop(store);
    let state = FileStore::open(&path).load("s").await.expect("loads");
    assert_eq!(state.records.keys().map(Address::name).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn a_fold_empties_the_journal_and_keeps_the_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let store = FileStore::lock(&path, "test").expect("locked");
    store.append(&[exists("a")]).await.expect("appended");
    let state = store.load("s").await.expect("loads");
    store.fold(&state).await.expect("folded");
    assert_eq!(fs::read(beside(&path, "journal")).expect("there"), b"");
    assert_eq!(FileStore::open(&path).load("s").await.expect("loads"), state);
    store.append(&[exists("b")]).await.expect("appended after the fold");
    assert_eq!(store.load("s").await.expect("loads").records.len(), 2);
}

#[tokio::test]
async fn a_torn_last_line_was_never_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let store = FileStore::lock(&path, "test").expect("locked");
    store.append(&[exists("a")]).await.expect("appended");
    drop(store);
    let journal = beside(&path, "journal");
    let mut text = fs::read_to_string(&journal).expect("there");
    text.push_str("{\"exists\":{\"addr");
    fs::write(&journal, text).expect("torn");
    assert_eq!(FileStore::open(&path).load("s").await.expect("loads").records.len(), 1);
    let store = FileStore::lock(&path, "test").expect("locked again");
    store.append(&[exists("b")]).await.expect("appended after the torn line");
    assert_eq!(store.load("s").await.expect("loads").records.len(), 2);
}

#[tokio::test]
async fn damage_newer_versions_and_other_stacks_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    for (text, said) in [
        ("{", "is damaged"),
        (r#"{"version":99}"#, "use a newer billform"),
        (r#"{"version":1,"stack":"other","serial":1,"records":{}}"#, "is of stack `other`"),
    ] {
        fs::write(&path, text).expect("written");
        let error = FileStore::open(&path).load("s").await.expect_err(said);
        assert!(error.message.contains(said), "{}", error.message);
    }
}

#[test]
fn a_second_writer_learns_who_holds_the_lock_and_gets_it_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let first = FileStore::lock(&path, "ana@desk, pid 7").expect("locked");
    let error = FileStore::lock(&path, "ben").err().expect("refused");
    assert!(error.to_string().contains("ana@desk, pid 7"), "{error}");
    let looking = FileStore::open(&path);
    assert_eq!(looking.holder().expect("looked").as_deref(), Some("ana@desk, pid 7"));
    drop(first);
    assert_eq!(looking.holder().expect("looked"), None);
    FileStore::lock(&path, "ben").expect("free again");
}

#[test]
fn tenants_have_their_parts_side_by_side_and_the_whole_waits_for_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let acme = FileStore::lock_part(&path, "acme", "ana").expect("locked");
    let beta = FileStore::lock_part(&path, "beta", "ben").expect("locked beside");
    assert_eq!(holder(FileStore::lock_part(&path, "acme", "cem")), "ana");
    assert_eq!(holder(FileStore::lock(&path, "cem")), "ana", "the whole names who has a part");
    drop(acme);
    assert_eq!(holder(FileStore::lock(&path, "cem")), "ben");
    drop(beta);
    let whole = FileStore::lock(&path, "cem").expect("all gave back");
    assert_eq!(holder(FileStore::lock_part(&path, "acme", "ana")), "cem");
    drop(whole);
    FileStore::lock_part(&path, "acme", "ana").expect("free again");
    assert_eq!(parts::locks(&path).expect("listed"), ["acme", "beta"]);
}

#[tokio::test]
async fn a_part_is_kept_beside_the_state_and_discarded_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    assert_eq!(parts::kept(&path).expect("listed"), Vec::<String>::new());
    for tenant in ["acme", "beta"] {
        let store = FileStore::lock_part(&path, tenant, "ana").expect("locked");
        store.fold(&State::empty("s")).await.expect("folded");
        store.append(&[exists("a")]).await.expect("appended");
    }
    assert_eq!(parts::kept(&path).expect("listed"), ["acme", "beta"]);
    parts::discard(&path, "acme");
    assert_eq!(parts::kept(&path).expect("listed"), ["beta"]);
    let kept = FileStore::open(&parts::place(&path, "beta")).load("s").await.expect("loads");
    assert_eq!(kept.records.len(), 1);
    assert_eq!(FileStore::open(&path).load("s").await.expect("loads").records.len(), 0);
}

/// A reader beside a run that folds all the time sees every entry once it was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_beside_folds_misses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let store = FileStore::lock(&path, "test").expect("locked");
    store.append(&[exists("r")]).await.expect("appended");
    let reading = path.clone();
    let reader = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let looks = (0..2_000).map(|_| runtime.block_on(FileStore::open(&reading).load("s")).expect("loads"));
        looks.filter(|state| state.records.is_empty()).count()
    });
    let mut state = State::empty("s");
    state.take(exists("r"));
    while !reader.is_finished() {
        store.append(&[exists("r")]).await.expect("appended");
        store.fold(&state).await.expect("folded");
    }
    assert_eq!(reader.join().expect("ends"), 0, "looks that missed it");
}

/// A run over the whole that waits is the next: runs for tenants that come later wait for it, however many there are.
#[test]
fn who_waits_for_the_whole_is_not_overtaken() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let acme = FileStore::lock_part(&path, "acme", "ana").expect("locked");
    let turn = FileStore::turn(&path, "cem").expect("is next");
    assert_eq!(holder(FileStore::lock(&path, "cem")), "ana", "acme is not done yet");
    assert_eq!(holder(FileStore::lock_part(&path, "beta", "ben")), "cem", "beta comes after the whole");
    drop(acme);
    let whole = FileStore::lock(&path, "cem").expect("all gave back");
    drop(turn);
    assert_eq!(holder(FileStore::lock_part(&path, "beta", "ben")), "cem");
    drop(whole);
    FileStore::lock_part(&path, "beta", "ben").expect("free again");
}

#[test]
fn a_share_without_a_name_is_not_taken_for_an_earlier_holder() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    drop(FileStore::lock(&path, "an earlier run").expect("locked"));
    let share = taken(&path, File::try_lock_shared).expect("shared");
    assert_eq!(holder(FileStore::lock(&path, "cem")), "a run for one tenant");
    drop(share);
}

/// A part was discarded and the crash came before its journal went: what comes next is not written over by it.
#[tokio::test]
async fn a_journal_of_something_else_is_not_taken_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let store = FileStore::lock_part(&path, "acme", "ana").expect("locked");
    store.append(&[exists("old")]).await.expect("appended");
    drop(store);
    let store = FileStore::lock_part(&path, "acme", "ben").expect("locked");
    store.begin(&State::empty("s")).expect("begun");
    assert_eq!(store.load("s").await.expect("loads"), State::empty("s"));
}

#[test]
fn what_is_no_tenants_part_is_not_taken_for_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let beside_it = beside(&path, "tenants");
    fs::create_dir_all(beside_it.join("folder")).expect("a folder");
    for stray in ["acme~", "Acme", ".lock", "x.y", "beta.new"] {
        fs::write(beside_it.join(stray), "{}").expect("written");
    }
    assert_eq!(parts::kept(&path).expect("listed"), Vec::<String>::new());
    assert_eq!(parts::locks(&path).expect("listed"), Vec::<String>::new());
}

/// A process that is being started has a copy of every open file until its program takes over.
#[test]
fn a_lock_is_given_back_though_a_starting_process_has_the_file_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let store = FileStore::lock(&path, "first").expect("is free");
    let copy = store.held.as_ref().expect("is held").locks[0].try_clone().expect("a copy");
    assert_eq!(holder(FileStore::lock(&path, "second")), "first");
    drop(store);
    FileStore::lock(&path, "third").expect("is free");
    drop(copy);
}
