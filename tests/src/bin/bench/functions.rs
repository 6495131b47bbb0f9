//! `bench runtime`: the deployed handlers at work for many tenants under the published rates, and how the program starts.
//!
//! The bundle is the one that is deployed, for this machine; its program runs as Lambda runs it, against the local cloud.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use localcloud::costs::CostRow;
use localcloud::gateway::rates::published;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::bootstrap::Bootstrap;
use crate::pages::{self, Page};
use crate::place::Place;
use crate::webhooks::{self, Told};
use crate::{Fallible, binary, process};

/// Services of each tenant.
const SERVICES: usize = 10;
/// Groups of a page of the local Cost Explorer.
const PAGE: usize = 20_000;
/// How often the start is measured.
const STARTS: usize = 30;
/// More invocations than this are a run without an end.
const MOST_INVOCATIONS: usize = 20;

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// Tenants.
    pub tenants: usize,
    /// Bytes of the bundle.
    pub zip_bytes: u64,
    /// From the start of the process to its first question for an event.
    pub starts: Vec<Duration>,
    /// Memory of a process that has only started.
    pub idle_memory_kib: u64,
    /// What was done, in order.
    pub works: Vec<Work>,
    /// Pages of tenants.
    pub pages: Vec<Page>,
    /// Events of Stripe's that the webhook took.
    pub webhooks: Vec<Told>,
}

/// One piece of work of a handler.
#[derive(Debug)]
pub struct Work {
    /// What it is.
    pub name: &'static str,
    /// All invocations together.
    pub wall: Duration,
    /// How many it took.
    pub invocations: usize,
    /// Calls by service.
    pub calls: BTreeMap<String, u64>,
    /// Calls that were over a published rate.
    pub rejections: u64,
    /// The most memory that the process had.
    pub peak_memory_kib: u64,
    /// The function's memory setting in MiB.
    pub limit_mib: i32,
}

/// Measures everything.
pub async fn run(tenants: usize) -> Fallible<Measured> {
    let billform = binary::billform()?;
    let place = Place::start(tenants).await?;
    eprintln!("building the bundle that is deployed");
    let (program, zip_bytes) = deployed(&billform, &place).await?;
    eprintln!("applying a manifest of {tenants} tenants");
    apply(&billform, &place).await?;
    webhooks::deliver_nothing(&place)?;
    let month = last_month();
    let day = month.first_of_month();
    place.cloud.costs().change(|model| {
        model.rows = rows(tenants, day);
        model.monthly.clear();
        // The local Cost Explorer groups everything for each page, which AWS does not.
        model.page_size = PAGE;
        model.estimated_from = Some(today().first_of_month());
    });
    let sync = Function::of(&place, "bench-cost-sync").await?;
    let invoicer = Function::of(&place, "bench-invoicer").await?;
    let webhook = Function::of(&place, "bench-webhook").await?;
    let page = Function::of(&place, "bench-pages").await?;
    let (starts, idle_memory_kib) = starts(&program, &sync).await?;
    let traffic = place.cloud.traffic();
    traffic.set_rates(published()).map_err(|error| error.to_string())?;
    let by_hand = invoicer.with("BILLFORM_APPROVAL", "manual");
    let automatic = invoicer.with("BILLFORM_APPROVAL", "automatic");
    let action = json!({ "action": "calculate_and_invoice" });
    let mut works = Vec::new();
    for (name, function, event) in [
        ("cost_sync, two months", &sync, &json!({})),
        ("cost_sync again", &sync, &json!({})),
        ("invoicer drafts", &by_hand, &action),
        ("invoicer looks again", &by_hand, &action),
        ("invoicer issues", &automatic, &action),
    ] {
        eprintln!("{name}");
        works.push(work(&place, &program, name, function, event).await?);
    }
    let pages = pages::run(&place, &program, &page, tenants, month).await?;
    let webhooks = webhooks::run(&place, &program, &webhook).await?;
    place.cloud.stop().await;
    Ok(Measured { tenants, zip_bytes, starts, idle_memory_kib, works, pages, webhooks })
}

/// Builds the bundle and takes the program out of it.
async fn deployed(billform: &Path, place: &Place) -> Fallible<(PathBuf, u64)> {
    let bundle = place.manifest.with_file_name("deployed.zip");
    let mut package = std::process::Command::new(billform);
    package
        .args(["package", "--host", "--profile", "lambda", "--out"])
        .arg(&bundle)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    process::run(package).await?;
    let bytes = fs::read(&bundle).map_err(|error| format!("the bundle: {error}"))?;
    let size = bytes.len() as u64;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut program = Vec::new();
    let mut entry = zip.by_name("bootstrap").map_err(|error| error.to_string())?;
    entry.read_to_end(&mut program).map_err(|error| error.to_string())?;
    let path = bundle.with_file_name("bootstrap");
    let written = fs::write(&path, program).and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)));
    written.map_err(|error| format!("writing the program: {error}"))?;
    Ok((path, size))
}

async fn apply(billform: &Path, place: &Place) -> Fallible<()> {
    let text = fs::read_to_string(&place.manifest).map_err(|error| error.to_string())?;
    let month = last_month().strftime("%Y-%m").to_string();
    let first_period = format!("first_period: {month},");
    let text = text.replace("first_period: 2026-10,", &first_period).replace("settle_days: 14", "settle_days: 0");
    let text = text.replace("payment_methods: [card] }", "payment_methods: [card], webhook: {} }");
    fs::write(&place.manifest, text).map_err(|error| error.to_string())?;
    let mut command = place.command(billform);
    command.args(["apply", "--auto-approve", "--manifest"]).arg(&place.manifest).arg("--bundle").arg(&place.bundle);
    process::run(command).await.map(drop)
}

fn today() -> Date {
    Zoned::now().with_time_zone(TimeZone::UTC).date()
}

/// A day of last month.
fn last_month() -> Date {
    let first = today().first_of_month();
    first.yesterday().unwrap_or(first)
}

/// A row a day for each service of each tenant, from the first of last month to yesterday.
fn rows(tenants: usize, first: Date) -> Vec<CostRow> {
    let days: Vec<Date> = first.series(jiff::Span::new().days(1)).take_while(|day| *day < today()).collect();
    let mut rows = Vec::with_capacity(days.len() * tenants * SERVICES);
    for day in days {
        for tenant in 0..tenants {
            let tags = BTreeMap::from([
                ("ClientOrganization".to_owned(), format!("Tenant-{tenant:05}")),
                ("BillingProject".to_owned(), format!("project-{}", tenant % 3)),
            ]);
            rows.extend((0..SERVICES).map(|service| CostRow {
                date: day,
                service: format!("Amazon Elastic Something Service {service}"),
                region: None,
                account: None,
                tags: tags.clone(),
                record_type: "Usage".to_owned(),
                amount: Decimal::new(1_234_567, 7),
                quantity: Decimal::ONE,
                unit: "Hrs".to_owned(),
            }));
        }
    }
    rows
}

/// A function as it was deployed.
#[derive(Debug, Clone)]
pub struct Function {
    /// What its process is started with.
    pub environment: BTreeMap<String, String>,
    /// How long a run may take.
    pub limit: Duration,
    memory_mib: i32,
}

impl Function {
    async fn of(place: &Place, name: &str) -> Fallible<Function> {
        let cloud = place.cloud.description();
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&cloud.aws_endpoint)
            .region(Region::new(cloud.region.clone()))
            .credentials_provider(root(place))
            .http_client(provisioner::cloud::http::client())
            .build();
        let asked = aws_sdk_lambda::Client::from_conf(config).get_function_configuration().function_name(name).send();
        let found =
            asked.await.map_err(|error| format!("{name}: {}", aws_sdk_lambda::error::DisplayErrorContext(error)))?;
        let variables = found.environment().and_then(|environment| environment.variables().cloned());
        let mut environment: BTreeMap<String, String> = variables.unwrap_or_default().into_iter().collect();
        let memory_mib = found.memory_size().unwrap_or(0);
        for (name, value) in [
            ("AWS_ENDPOINT_URL", cloud.aws_endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", &cloud.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &cloud.secret_access_key),
            ("AWS_REGION", &cloud.region),
            ("STRIPE_API_BASE", &cloud.stripe_api_base),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory_mib.to_string()),
        ] {
            environment.insert(name.to_owned(), value.to_owned());
        }
        let limit = Duration::from_secs(found.timeout().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0));
        Ok(Function { environment, limit, memory_mib })
    }

    /// The text of a secret of the stack's.
    pub async fn secret(place: &Place, name: &str) -> Fallible<String> {
        let cloud = place.cloud.description();
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&cloud.aws_endpoint)
            .region(Region::new(cloud.region.clone()))
            .credentials_provider(root(place))
            .http_client(provisioner::cloud::http::client())
            .build();
        let asked = aws_sdk_secretsmanager::Client::from_conf(config).get_secret_value().secret_id(name).send();
        let found =
            asked.await.map_err(|error| format!("{name}: {}", aws_sdk_lambda::error::DisplayErrorContext(error)))?;
        found.secret_string().map(str::to_owned).ok_or_else(|| format!("{name} holds no text"))
    }

    fn with(&self, variable: &str, value: &str) -> Function {
        let mut function = self.clone();
        function.environment.insert(variable.to_owned(), value.to_owned());
        function
    }
}

fn root(place: &Place) -> Credentials {
    let cloud = place.cloud.description();
    Credentials::new(&*cloud.access_key_id, &*cloud.secret_access_key, None, None, "bench")
}

async fn starts(program: &Path, function: &Function) -> Fallible<(Vec<Duration>, u64)> {
    let (mut starts, mut idle) = (Vec::new(), 0);
    for _ in 0..STARTS {
        let bootstrap = Bootstrap::start(program, &function.environment).await?;
        starts.push(bootstrap.start);
        idle = bootstrap.peak_memory_kib().max(idle);
        bootstrap.stop().await;
    }
    Ok((starts, idle))
}

/// Invokes until nothing is left, as the schedule of the next day would.
async fn work(place: &Place, program: &Path, name: &'static str, function: &Function, event: &Value) -> Fallible<Work> {
    let traffic = place.cloud.traffic();
    traffic.reset();
    let mut bootstrap = Bootstrap::start(program, &function.environment).await?;
    let (began, mut invocations) = (Instant::now(), 0);
    loop {
        invocations += 1;
        let answer = bootstrap.invoke(event, function.limit).await.map_err(|error| format!("{name}: {error}"))?;
        if answer["left"].as_u64().unwrap_or(0) == 0 {
            break;
        }
        if invocations == MOST_INVOCATIONS {
            return Err(format!("{name} is not done after {invocations} invocations: {answer}"));
        }
    }
    let wall = began.elapsed();
    let (peak_memory_kib, counts) = (bootstrap.peak_memory_kib(), traffic.counts());
    bootstrap.stop().await;
    let of_service = |operations: &BTreeMap<String, u64>| operations.values().sum();
    Ok(Work {
        name,
        wall,
        invocations,
        rejections: counts.rejected(),
        calls: counts.services.iter().map(|(service, operations)| (service.clone(), of_service(operations))).collect(),
        peak_memory_kib,
        limit_mib: function.memory_mib,
    })
}
