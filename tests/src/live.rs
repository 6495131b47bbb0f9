//! The kinds, live: one local cloud for the process, and one resource on it, driven as the engine drives it.

pub mod clients;
pub mod dashboard;
pub mod stripe_account;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use clients::Clients as _;
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Create, Delete, Depth, ErrorClass, Kind, Observed, Removal, Update, Want};
use engine::kind_meta::KindMeta;
use engine::{Address, Owner};
use localcloud::gateway::lag::Delay;
use localcloud::{Description, LocalCloud, Options};
use provisioner::cloud::bundle::Bundle;
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::{SecretValue, SecretValues};
use provisioner::cloud::{Cloud, CloudOptions, Home, sdk_config};
use provisioner::kinds::typed::{Erased, TypedKind};
use serde_json::{Value, json};

/// The stack all these resources belong to.
pub const STACK: &str = "kinds";

/// Clients of the local cloud. Each test makes its own: connections belong to the test's runtime.
pub async fn cloud() -> Arc<Cloud> {
    cloud_with(BTreeMap::new(), None).await
}

/// Clients of the local cloud, with values of secrets and a bundle at hand.
pub async fn cloud_with(secrets: BTreeMap<String, String>, bundle: Option<Arc<Bundle>>) -> Arc<Cloud> {
    let lags = lags();
    let place = tokio::task::spawn_blocking(move || place(lags)).await.expect("the local cloud starts");
    let root = Credentials::new(&place.access_key_id, &place.secret_access_key, None, None, "tests");
    cloud_as(place, root, secrets, bundle).await
}

/// The same clients, and one of a Stripe account.
pub fn beside(cloud: &Cloud, account: &stripe_account::Account) -> Arc<Cloud> {
    let options = CloudOptions {
        stack: STACK.to_owned(),
        account: cloud.account.clone(),
        region: cloud.region.clone(),
        secret_values: Arc::clone(&cloud.secret_values),
        bundle: cloud.bundle.clone(),
        stripe: account.cloud.stripe.clone(),
        calls: cloud.calls.clone(),
    };
    Arc::new(Cloud::new(cloud.config(Home::Stack), options))
}

/// A bundle whose executable is a shell script that says something: nothing here invokes it.
pub fn bundle(says: &str) -> Arc<Bundle> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mut zip = zip::ZipWriter::new(file.as_file());
    let executable = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", executable).expect("an entry");
    write!(zip, "#!/bin/sh\necho {says}\n").expect("is written");
    zip.finish().expect("a zip");
    Arc::new(Bundle::read(file.path()).expect("is read"))
}

/// Clients of the same cloud for a user who may do what these kinds say they need, and nothing else.
pub async fn allowed(root: &Cloud, metas: &[&KindMeta], secrets: BTreeMap<String, String>) -> Arc<Cloud> {
    static USERS: AtomicUsize = AtomicUsize::new(0);
    let name = format!("kinds-user-{}", USERS.fetch_add(1, Ordering::Relaxed));
    root.iam().create_user().user_name(&name).send().await.expect("a user");
    for meta in metas {
        let call = root.iam().put_user_policy().user_name(&name).policy_name(meta.name);
        call.policy_document(policy(root, meta).to_string()).send().await.expect("a policy");
    }
    let key = root.iam().create_access_key().user_name(&name).send().await.expect("a key");
    let key = key.access_key.expect("a key");
    let credentials = Credentials::new(key.access_key_id, key.secret_access_key, None, None, "tests");
    cloud_as(place(lags()), credentials, secrets, root.bundle.clone()).await
}

/// AWS asks for these on the table, rule, report or function; MiniStack finds neither in the call and asks for them on `*`.
const ASKED_ON_ANYTHING: &[&str] = &[
    "cur:DeleteReportDefinition",
    "cur:ListTagsForResource",
    "cur:ModifyReportDefinition",
    "cur:PutReportDefinition",
    "cur:TagResource",
    "cur:UntagResource",
    "dynamodb:ListTagsOfResource",
    "dynamodb:TagResource",
    "dynamodb:UntagResource",
    "events:ListTagsForResource",
    "events:TagResource",
    "events:UntagResource",
    "lambda:CreateFunction",
];

/// A resource template with the account and the region filled in; any other field of it may be anything.
fn filled(template: &str, cloud: &Cloud) -> String {
    let filled = template.replace("{account}", &cloud.account).replace("{region}", &cloud.region);
    let mut parts = filled.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| format!("{all}*{}", part.split_once('}').map_or(part, |(_, rest)| rest)))
}

/// What a kind says it needs, on resources of any name.
fn policy(cloud: &Cloud, meta: &KindMeta) -> Value {
    let mut actions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for permission in meta.permissions {
        let resource = if ASKED_ON_ANYTHING.contains(&permission.action) {
            "*".to_owned()
        } else {
            filled(permission.resource, cloud)
        };
        actions.entry(resource).or_default().insert(permission.action);
    }
    let statement = |(resource, actions)| json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": actions.into_iter().map(statement).collect::<Vec<_>>()})
}

async fn cloud_as(
    place: &Description,
    credentials: Credentials,
    secrets: BTreeMap<String, String>,
    bundle: Option<Arc<Bundle>>,
) -> Arc<Cloud> {
    let config = sdk_config(&place.region).await.to_builder();
    let config = config
        .endpoint_url(&place.aws_endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let options = CloudOptions {
        stack: STACK.to_owned(),
        account: place.account.clone(),
        region: place.region.clone(),
        secret_values: Arc::new(Given(secrets)),
        bundle,
        stripe: None,
        calls: Calls::default(),
    };
    Arc::new(Cloud::new(&config, options))
}

/// Values of secrets that a test gives.
struct Given(BTreeMap<String, String>);

impl SecretValues for Given {
    fn given(&self, name: &str) -> Option<SecretValue> {
        self.0.get(name).map(SecretValue::new)
    }

    fn required(&self, name: &str) -> Result<SecretValue, String> {
        self.given(name).ok_or_else(|| format!("set {}", provisioner::cloud::secret_values::variable(name)))
    }
}

/// One resource of a kind, as the engine drives it.
pub struct Stage<K: TypedKind> {
    kind: Erased<K>,
    address: Address,
}

impl<K: TypedKind> Stage<K> {
    /// A resource of that name in the stack.
    pub fn new(cloud: &Arc<Cloud>, name: &str) -> Self {
        Stage { kind: Erased(K::new(Arc::clone(cloud))), address: Address::new(K::META.name, name) }
    }

    /// The create alone.
    pub async fn try_create(&self, desired: &K::Desired) -> Result<Applied, CallError> {
        let token = format!("{}-create", self.address);
        self.kind.create(Create { address: self.address.clone(), desired: Self::value(desired), token }).await
    }

    /// Makes it, sees it as wanted, ours and listed, and sees a second create told that it exists.
    pub async fn create(&self, desired: &K::Desired) -> Applied {
        let applied = self.try_create(desired).await.expect("is created");
        let seen = self.settled(desired).await;
        assert_eq!((&seen.id, &seen.outputs), (&applied.id, &applied.outputs), "create and read agree");
        let again = self.try_create(desired).await.expect_err("it exists");
        assert_eq!(again.class, ErrorClass::AlreadyExists, "{again}");
        self.assert_listed(&applied.id, true).await;
        applied
    }

    /// Whether the kind lists it under this address, without being told of it. Others may stand there in a test.
    pub async fn assert_listed(&self, id: &str, is: bool) {
        let listed = self.kind.list().await.expect("is listed");
        let here = listed.iter().filter(|listed| listed.address == self.address && listed.id == id);
        assert_eq!(here.count(), usize::from(is), "{id}: {listed:#?}");
    }

    /// What is there.
    pub async fn see(&self, desired: &K::Desired, known: Option<&K::Desired>, depth: Depth) -> Option<Observed> {
        let want = Want {
            address: self.address.clone(),
            id: None,
            fields: Self::value(desired),
            known: known.map(|known| Self::value(known).into()),
        };
        self.kind.read(&[want], depth).await.remove(0).expect("is read")
    }

    /// Sees it as wanted and ours: in full, by lists, and by lists with the state at hand.
    pub async fn settled(&self, desired: &K::Desired) -> Observed {
        for (depth, known) in [(Depth::Lists, Some(desired)), (Depth::Lists, None)] {
            let seen = self.see(desired, known, depth).await.expect("exists");
            self.assert_settled(desired, &seen);
            let unlisted = K::META.unlisted;
            assert!(seen.unread.iter().all(|path| unlisted.contains(&path.as_str())), "{:?}", seen.unread);
            assert!(known.is_some() || seen.unread.is_empty(), "{:?} is not known from anywhere", seen.unread);
        }
        let seen = self.see(desired, Some(desired), Depth::Full).await.expect("exists");
        self.assert_settled(desired, &seen);
        assert!(seen.unread.is_empty(), "{:?} unread in a full read", seen.unread);
        seen
    }

    fn value(fields: &K::Desired) -> Value {
        serde_json::to_value(fields).expect("serialises")
    }

    fn assert_settled(&self, desired: &K::Desired, seen: &Observed) {
        assert!(seen.owner.is_stack(STACK) || seen.owner == Owner::Untold, "{:?}", seen.owner);
        let changes = self.kind.diff(&Self::value(desired), &seen.fields, Some(&Self::value(desired)));
        assert!(changes.is_empty(), "{changes:#?}");
    }

    /// What a full read shows to differ; `last` is what was applied last.
    pub async fn drift(&self, desired: &K::Desired, last: &K::Desired) -> (Observed, Vec<FieldChange>) {
        let seen = self.see(desired, Some(last), Depth::Full).await.expect("exists");
        let changes = self.kind.diff(&Self::value(desired), &seen.fields, Some(&Self::value(last)));
        (seen, changes)
    }

    /// Sees exactly these paths differ between what is there and `desired`, changes them, and sees it as wanted.
    pub async fn change(&self, last: &K::Desired, desired: &K::Desired, paths: &[&str]) {
        let (seen, changes) = self.drift(desired, last).await;
        let found: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(found, paths, "{changes:#?}");
        self.update(desired, seen, changes, false).await.expect("is updated");
        self.settled(desired).await;
    }

    /// Someone changed it behind our back: exactly these paths show it, and an update repairs them.
    pub async fn repair(&self, desired: &K::Desired, paths: &[&str]) {
        self.change(desired, desired, paths).await;
    }

    /// The update alone.
    pub async fn update(
        &self,
        desired: &K::Desired,
        seen: Observed,
        changes: Vec<FieldChange>,
        claim: bool,
    ) -> Result<Applied, CallError> {
        let request = Update {
            address: self.address.clone(),
            id: seen.id,
            desired: Self::value(desired),
            observed: Arc::unwrap_or_clone(seen.fields),
            changes,
            claim,
            token: format!("{}-update", self.address),
        };
        self.kind.update(request).await
    }

    /// The ownership tags are gone: it reads as nobody's, and a claim makes it ours again.
    pub async fn reclaim(&self, desired: &K::Desired) {
        let seen = self.see(desired, None, Depth::Full).await.expect("exists");
        assert_eq!(seen.owner, Owner::Unknown);
        let id = seen.id.clone();
        self.assert_listed(&id, false).await;
        self.update(desired, seen, Vec::new(), true).await.expect("is claimed");
        self.settled(desired).await;
        self.assert_listed(&id, true).await;
    }

    /// What the guarded resource holds that is not ours.
    pub async fn contents(&self, id: &str, desired: &K::Desired) -> Option<String> {
        self.kind.contents(id, &Self::value(desired)).await.expect("is asked").map(|contents| contents.described)
    }

    /// The delete alone.
    pub async fn try_delete(&self, id: &str, last: &K::Desired) -> Result<Removal, CallError> {
        let request = Delete { address: self.address.clone(), id: id.to_owned(), fields: Self::value(last) };
        self.kind.delete(request).await
    }

    /// Takes it away, sees nothing left, and finds a second delete content.
    pub async fn delete(&self, id: &str, last: &K::Desired) {
        assert_eq!(self.try_delete(id, last).await.expect("is deleted"), Removal::Gone);
        assert_eq!(self.see(last, Some(last), Depth::Full).await, None);
        assert_eq!(self.see(last, Some(last), Depth::Lists).await, None);
        self.assert_listed(id, false).await;
        assert_eq!(self.try_delete(id, last).await.expect("is gone already"), Removal::Gone);
    }

    /// Several resources of the kind are read together, with the state and without it, and come in their order.
    pub async fn read_together(&self, all: &[K::Desired]) {
        for (depth, with_state) in [(Depth::Full, true), (Depth::Lists, true), (Depth::Lists, false)] {
            let want = |desired: &K::Desired| Want {
                address: self.address.clone(),
                id: None,
                fields: Self::value(desired),
                known: with_state.then(|| Self::value(desired).into()),
            };
            let wants: Vec<Want> = all.iter().map(want).collect();
            let seen = self.kind.read(&wants, depth).await;
            assert_eq!(seen.len(), all.len());
            for (desired, seen) in all.iter().zip(seen) {
                let seen = seen.expect("is read").expect("exists");
                self.assert_settled(desired, &seen);
            }
        }
    }
}

/// Tags from pairs.
pub fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

tokio::task_local! {
    /// Set where the clients are those of the local cloud whose reads lag.
    static LAGGING: ();
}

/// For how long the reads of that cloud lag behind its writes.
pub const LAG: Duration = Duration::from_millis(600);

/// Does `work` on a local cloud whose reads lag behind its writes, as AWS's do.
pub async fn lagging<T>(work: impl Future<Output = T>) -> T {
    LAGGING.scope((), work).await
}

fn lags() -> bool {
    LAGGING.try_with(|()| ()).is_ok()
}

/// The local clouds of this process: one that is steady, and one whose reads lag.
fn place(lags: bool) -> &'static Description {
    static STEADY: OnceLock<Description> = OnceLock::new();
    static LAGGING: OnceLock<Description> = OnceLock::new();
    if lags {
        LAGGING.get_or_init(|| started(Delay::of_ms(LAG.as_millis() as u64)))
    } else {
        STEADY.get_or_init(|| started(Delay::default()))
    }
}

/// A local cloud. It lives on a runtime of its own: those of the tests end with them.
fn started(lag: Delay) -> Description {
    let (told, tell) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/localcloud");
            let options = Options { auth: true, ..Options::new(home) };
            let cloud = LocalCloud::start(options, &|line| eprintln!("{line}")).await.expect("the local cloud starts");
            cloud.lag().set(lag);
            told.send(cloud.description().clone()).expect("somebody waits");
            // It ends with the process: MiniStack goes when its supervisor's stdin closes.
            std::future::pending::<()>().await;
        });
    });
    tell.recv().expect("the local cloud starts")
}
