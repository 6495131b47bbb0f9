//! Secrets go where they belong and nowhere else: not into state, journal or plan file, not to stdout or stderr, not
//! onto a command line, not into a log group. The same search finds a leak that is planted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use serde_json::json;
use tests::live::clients::Clients as _;
use tests::stage::{PORTAL, Ran, Stage, get};

/// How often processes and the journal are looked at while the program runs.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A value that must not be found, and what it is.
struct Canary {
    what: &'static str,
    value: String,
}

/// Somewhere a secret could leak to, and what it says.
struct Place {
    name: String,
    text: String,
}

impl Place {
    fn new(name: impl Into<String>, text: impl Into<String>) -> Place {
        Place { name: name.into(), text: text.into() }
    }

    fn of(ran: &Ran, command: &str) -> [Place; 2] {
        [
            Place::new(format!("stdout of {command}"), &ran.stdout),
            Place::new(format!("stderr of {command}"), &ran.stderr),
        ]
    }
}

/// Every place that holds a canary, plainly, as hex or as JSON text: `what in place`.
fn leaks(places: &[Place], canaries: &[Canary]) -> Vec<String> {
    let hex = |value: &str| value.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let escaped = |value: &str| serde_json::to_string(value).expect("text").trim_matches('"').to_owned();
    let mut found = Vec::new();
    for canary in canaries {
        assert!(canary.value.len() >= 16, "the canary {} is too short to be told from other text", canary.what);
        let forms = [canary.value.clone(), hex(&canary.value), escaped(&canary.value)];
        let holds = |place: &&Place| forms.iter().any(|form| place.text.contains(form.as_str()));
        found.extend(places.iter().filter(holds).map(|place| format!("{} in {}", canary.what, place.name)));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn secrets_never_leak() {
    // Without a settling time, so that last month is billed whatever the day.
    let manifest =
        PORTAL.replace("settle_days: 14", "settle_days: 0").replace("first_period: 2026-10", "first_period: 2026-01");
    let mut stage = Stage::new(&manifest).await;
    let stripe_key = stage.place.cloud.description().stripe_api_key.clone();
    let canaries_given = [
        // A key that Stripe refuses, so that the invoicer's failure is logged as well.
        Canary { what: "BILLFORM_SECRET_STRIPE", value: "sk_test_canaryOfTheInvoicer4711".to_owned() },
        Canary { what: "STRIPE_API_KEY", value: stripe_key },
        Canary { what: "AWS_SECRET_ACCESS_KEY", value: stage.user().secret.clone() },
    ];
    stage.set("BILLFORM_SECRET_STRIPE", &canaries_given[0].value);
    let watch = Watch::start(stage.state_path().with_extension("json.journal"));

    let mut places = Vec::new();
    for command in [
        &["validate"][..],
        &["plan", "-v", "--out", "first.plan"],
        &["apply", "-v", "--auto-approve"],
        &["plan", "-v", "--refresh", "full", "--format", "json"],
        &["plan", "--destroy", "--out", "second.plan"],
        &["state", "list", "--format", "json"],
        &["state", "show", "secret.stripe"],
        &["state", "show", "secret.link"],
        &["state", "show", "secret.evidence"],
        &["state", "show", "lambda_function.invoicer"],
        &["output", "--format", "json"],
    ] {
        places.extend(Place::of(&stage.run(command).await.ok(), &command.join(" ")));
    }
    let mut canaries = Vec::from(canaries_given);
    canaries.push(Canary { what: "the generated link key", value: stored(&stage, "client-billing/link-key").await });
    let pem = stored(&stage, "client-billing/evidence").await;
    let private = pem.lines().nth(1).expect("PEM has the key on its second line").to_owned();
    canaries.push(Canary { what: "the key that signs evidence", value: private });
    // The user has no business in the link key: whoever makes links has rights of their own.
    let link = stage.run_as_root(&["tenant", "link", "mmp-toledo", "-v", "--format", "json"]).await.ok();
    places.extend(Place::of(&link, "tenant link"));

    use_everything(&stage, &link).await;
    places.extend(log_groups(&stage).await);
    places.extend(files(stage.folder()));
    let destroyed = stage.run(&["destroy", "-v", "--auto-approve", "--approve", "dynamodb_table.ledger"]).await.ok();
    places.extend(Place::of(&destroyed, "destroy"));
    places.extend(files(stage.folder()));
    let seen = watch.stop();

    // The search looked at what it claims to look at.
    let holds = |name: &str, text: &str| {
        seen.iter().chain(&places).any(|place| place.name.starts_with(name) && place.text.contains(text))
    };
    assert!(holds("command line", "--auto-approve"), "no command line of billform was seen");
    assert!(holds("journal", "secret.stripe"), "no journal was seen");
    assert!(holds("log group /aws/lambda/monthly-invoice-generator", "START"), "no log of the invoicer was seen");
    assert!(holds("log group /aws/lambda/client-billing-costs", "START"), "no log of the costs API was seen");
    assert!(holds("file first.plan", "secret.stripe") && holds("file .billform/state.json", "secret.link"));

    places.extend(seen);
    let found = leaks(&places, &canaries);
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_planted_leak_is_found() {
    let stage = Stage::without_handlers(PORTAL).await;
    let canary = "sk_test_canaryThatIsPlanted0815";
    let canaries = [Canary { what: "the planted canary", value: canary.to_owned() }];
    let watch = Watch::start(stage.state_path().with_extension("json.journal"));
    let applied = stage.run(&["apply", "--auto-approve"]).await.ok();
    let clean: Vec<Place> = Place::of(&applied, "apply").into_iter().chain(files(stage.folder())).collect();
    assert_eq!(leaks(&clean, &canaries), Vec::<String>::new());

    fs::write(stage.folder().join(".billform/notes"), format!("key: {canary}")).expect("a file");
    assert_eq!(leaks(&files(stage.folder()), &canaries), ["the planted canary in file .billform/notes"]);

    log_line(&stage, "/aws/lambda/monthly-invoice-generator", &format!("{{\"key\":\"{canary}\"}}")).await;
    let groups = log_groups(&stage).await;
    let found = leaks(&groups, &canaries);
    assert_eq!(found, ["the planted canary in log group /aws/lambda/monthly-invoice-generator"]);

    // A shell that is told the canary as an argument, as a careless command would tell curl.
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", "sleep 0.3; true", "sh", canary]).kill_on_drop(true);
    shell.status().await.expect("the shell ends");
    let seen = watch.stop();
    let found = leaks(&seen, &canaries);
    assert!(!found.is_empty() && found.iter().all(|leak| leak.starts_with("the planted canary in command line of")));
}

/// Every handler is called: with success, with refusals, and the invoicer with a key that Stripe refuses.
async fn use_everything(stage: &Stage, link: &Ran) {
    let link = link.json();
    let text = |key: &str| link[key].as_str().expect("a text").to_owned();
    let month = stage.last_month();
    let days = json!({ "start": month.period().start(), "end": month.period().last_day() });
    stage.invoke("client-billing-cost-sync", &days).await;
    let bearer = format!("Bearer {}", text("token"));
    let costs = format!("{}/costs", text("api_url"));
    assert_eq!(get(&costs, &[("authorization", &bearer)]).await.status, 200);
    assert_eq!(get(&costs, &[("authorization", "Bearer nonsense")]).await.status, 401);
    stage.try_invoke("monthly-invoice-generator", &json!({ "period": month })).await;
    let refused = stage.place.cloud.stripe().requests().iter().any(|request| request.status == 401);
    assert!(refused, "the invoicer did not use the key that Stripe refuses");
}

/// What a secret holds.
async fn stored(stage: &Stage, secret: &str) -> String {
    let cloud = stage.root().await;
    let secret = cloud.secrets().get_secret_value().secret_id(secret).send().await;
    secret.expect("the secret is read").secret_string.expect("it is text")
}

/// What every log group says, through the logs API.
async fn log_groups(stage: &Stage) -> Vec<Place> {
    let logs = stage.root().await.logs();
    let groups = logs.describe_log_groups().into_paginator().items().send();
    let groups = groups.collect::<Result<Vec<_>, _>>().await.expect("log groups are listed");
    let mut places = Vec::new();
    for name in groups.into_iter().filter_map(|group| group.log_group_name) {
        let pages = logs.filter_log_events().log_group_name(&name).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.expect("log events are read");
        let events = pages.iter().flat_map(|page| page.events());
        let lines: Vec<&str> = events.filter_map(|event| event.message()).collect();
        places.push(Place::new(format!("log group {name}"), lines.join("\n")));
    }
    places
}

/// Writes one line into a deployed log group.
async fn log_line(stage: &Stage, group: &str, line: &str) {
    let logs = stage.root().await.logs();
    let stream = logs.create_log_stream().log_group_name(group).log_stream_name("planted").send();
    stream.await.expect("a log stream");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
    let now = i64::try_from(now).expect("long before the end of time");
    let event = InputLogEvent::builder().timestamp(now).message(line).build().expect("an event");
    let put = logs.put_log_events().log_group_name(group).log_stream_name("planted").log_events(event);
    put.send().await.expect("the line is written");
}

/// Every file below the folder that the program ran in, but for the manifest and its bundle.
fn files(folder: &Path) -> Vec<Place> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => walk(&path, found),
                path => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found);
    let place = |path: &PathBuf| {
        let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let bytes = fs::read(path).expect("a file");
        Place::new(format!("file {name}"), String::from_utf8_lossy(&bytes))
    };
    found.iter().map(place).collect()
}

/// Looks at the command lines of all processes and at the journal for as long as it runs.
struct Watch {
    stop: Arc<AtomicBool>,
    looking: JoinHandle<Vec<Place>>,
}

impl Watch {
    fn start(journal: PathBuf) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let looking = std::thread::spawn(move || {
            let (mut lines, mut journals) = (BTreeSet::new(), BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                lines.extend(command_lines());
                journals.extend(fs::read_to_string(&journal).ok().filter(|text| !text.is_empty()));
                std::thread::sleep(LOOK_EVERY);
            }
            let lines = lines.into_iter().map(|(pid, line)| Place::new(format!("command line of {pid}"), line));
            lines.chain(journals.into_iter().map(|text| Place::new("journal", text))).collect()
        });
        Watch { stop, looking }
    }

    fn stop(self) -> Vec<Place> {
        self.stop.store(true, Ordering::Relaxed);
        self.looking.join().expect("the watch ends")
    }
}

/// The command line of every process (Linux). Processes that end meanwhile are left out.
fn command_lines() -> Vec<(u32, String)> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let line = |pid: u32| {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
        (!line.is_empty()).then_some((pid, line))
    };
    pids.filter_map(line).collect()
}
