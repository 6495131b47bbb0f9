//! One local cloud, running: the gateway and Stripe as tasks of this process, MiniStack as its child.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use localstripe::Stripe;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::costs::{CostModel, Costs};
use crate::gateway::lag::{Delay, Lag};
use crate::gateway::pipeline::{Rules, Upstream, UpstreamError};
use crate::gateway::traffic::Traffic;
use crate::gateway::{self, Gateway};
use crate::ministack::{self, MiniStack, Settings, StartError, VenvError};
use crate::timeline::{AdvanceError, Advanced, Timeline};

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder for MiniStack's virtual environment and for what runs; made if it is missing.
    pub home: PathBuf,
    /// The AWS account.
    pub account: String,
    /// The AWS region.
    pub region: String,
    /// Whether signatures and IAM policies are enforced.
    pub auth: bool,
    /// For how long Lambda refuses a role that was just created, as AWS does for seconds; zero by default.
    pub role_delay: Duration,
}

impl Options {
    /// Account 123456789012 in us-east-1, nothing enforced.
    pub fn new(home: impl Into<PathBuf>) -> Options {
        Options {
            home: home.into(),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            auth: false,
            role_delay: Duration::ZERO,
        }
    }
}

/// How to reach a local cloud. These are the keys that `local up --format json` prints. The credentials open
/// nothing but this cloud, so they are no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// For `AWS_ENDPOINT_URL`: the gateway.
    pub aws_endpoint: String,
    /// For `STRIPE_API_BASE`.
    pub stripe_api_base: String,
    /// The AWS account.
    pub account: String,
    /// The AWS region.
    pub region: String,
    /// Root's access key id.
    pub access_key_id: String,
    /// Root's secret access key.
    pub secret_access_key: String,
    /// The one key that the local Stripe takes.
    pub stripe_api_key: String,
    /// The process that serves gateway and Stripe.
    pub pid: u32,
}

/// Why a local cloud did not start or do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// MiniStack could not be set up.
    #[error(transparent)]
    Venv(#[from] VenvError),
    /// MiniStack could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No port on loopback.
    #[error("opening a port on 127.0.0.1: {0}; allow this process to listen on loopback")]
    Bind(std::io::Error),
    /// No random numbers.
    #[error("making the local Stripe's key: {0}")]
    Random(getrandom::Error),
    /// MiniStack went away.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// MiniStack does not forget.
    #[error("emptying the local cloud: MiniStack answered {status}; start a new one")]
    Reset {
        /// Its HTTP status.
        status: u16,
    },
    /// IAM refused.
    #[error("creating the IAM user {name}: {step} answered {status}: {body}")]
    User {
        /// The user.
        name: String,
        /// The operation that failed.
        step: &'static str,
        /// Its HTTP status.
        status: u16,
        /// What it said.
        body: String,
    },
}

/// A running local cloud. Dropping it stops everything and leaves no process.
#[derive(Debug)]
pub struct LocalCloud {
    description: Description,
    site: String,
    traffic: Traffic,
    lag: Lag,
    costs: Costs,
    stripe: Stripe,
    upstream: Upstream,
    timeline: Timeline,
    rules: Rules,
    // The tasks are dropped first, so that nothing calls a MiniStack that is ending.
    tasks: Vec<Serving>,
    ministack: MiniStack,
}

/// A task that ends with its handle.
#[derive(Debug)]
struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl LocalCloud {
    /// Sets MiniStack up if need be and starts everything on free ports of loopback.
    pub async fn start(options: Options, progress: &dyn Fn(&str)) -> Result<LocalCloud, Error> {
        // MiniStack works in a folder of its own, where a relative path would mean something else.
        let home = std::path::absolute(&options.home).unwrap_or(options.home);
        let python = ministack::ready(&home, progress).await?;
        let (aws_listener, aws_endpoint) = listen().await?;
        let (stripe_listener, stripe_api_base) = listen().await?;
        let (site_listener, site) = listen().await?;
        // Another site than the strict Stripe's to a browser.
        let site = site.replace("127.0.0.1", "localhost");
        progress("starting MiniStack");
        let settings = Settings {
            python,
            home,
            account: options.account.clone(),
            region: options.region.clone(),
            auth: options.auth,
            aws_endpoint: aws_endpoint.clone(),
            stripe_api_base: stripe_api_base.clone(),
        };
        let ministack = MiniStack::start(&settings).await?;
        let upstream = Upstream::new(ministack.address(), options.account.clone(), options.region.clone());
        let description = Description {
            aws_endpoint,
            stripe_api_base,
            account: options.account,
            region: options.region,
            access_key_id: "test".to_owned(),
            secret_access_key: "test".to_owned(),
            stripe_api_key: stripe_key()?,
            pid: std::process::id(),
        };
        let traffic = Traffic::new();
        let clock = Clock::default();
        let costs = Costs::new(CostModel::example(clock.today()));
        let stripe_options =
            localstripe::Options { keys: vec![description.stripe_api_key.clone()], ..Default::default() };
        let stripe = Stripe::observed(stripe_options, traffic.clone());
        let timeline = Timeline::new(clock, upstream.clone(), costs.clone(), stripe.clone());
        let rules = Rules::new(gateway::rules::all(gateway::rules::Settings {
            costs: costs.clone(),
            schedules: timeline.registry().clone(),
            auth: options.auth,
            role_delay: options.role_delay,
        }));
        let lag = Lag::default();
        let gateway = Gateway {
            upstream: upstream.clone(),
            rules: rules.clone(),
            traffic: traffic.clone(),
            lag: lag.clone(),
            costs: costs.clone(),
            timeline: timeline.clone(),
            site: site.clone(),
        };
        let gateway = Arc::new(gateway);
        let site_task = tokio::spawn(gateway::site::serve(site_listener, Arc::clone(&gateway)));
        let aws_task = tokio::spawn(gateway::serve(aws_listener, gateway));
        let stripe_task = tokio::spawn(serve_stripe(stripe_listener, stripe.clone()));
        let tasks = vec![Serving(aws_task), Serving(stripe_task), Serving(site_task)];
        progress("the local cloud is ready");
        Ok(LocalCloud { description, site, traffic, lag, costs, stripe, upstream, timeline, rules, tasks, ministack })
    }

    /// How to reach it.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Where the deployed pages are, at one address with assets and API: `http://localhost:4601`.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The counters, faults and rates of the AWS and the Stripe side.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// How far AWS's reads lag behind its writes; not at all at the start.
    pub fn lag(&self) -> &Lag {
        &self.lag
    }

    /// The cost model behind Cost Explorer; at the start the portal example up to yesterday.
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// The strict Stripe: its objects and its clock.
    pub fn stripe(&self) -> &Stripe {
        &self.stripe
    }

    /// The clock, and the mails that were sent.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Lets this many seconds pass: what falls due happens, in order, before this returns.
    pub async fn advance(&self, seconds: u64) -> Result<Advanced, AdvanceError> {
        self.timeline.advance(seconds).await
    }

    /// Root's way to MiniStack, past the gateway: for looking without being counted.
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The process id of MiniStack, which leads the process group of everything it runs.
    pub fn ministack_pid(&self) -> Option<u32> {
        self.ministack.pid()
    }

    /// Forgets everything there is in AWS and in Stripe, users included: an empty account again, much faster than a
    /// new cloud. Counters and armed faults go, too.
    pub async fn reset(&self) -> Result<(), Error> {
        let answer = self.upstream.rest("ministack", Method::POST, "/_ministack/reset", "").await?;
        if !answer.is_success() {
            return Err(Error::Reset { status: answer.status });
        }
        self.stripe.reset();
        self.costs.set(CostModel::example(self.timeline.clock().today()));
        self.timeline.reset().await;
        self.rules.reset();
        self.lag.set(Delay::default());
        self.traffic.disarm();
        self.traffic.reset();
        Ok(())
    }

    /// Creates an IAM user with this policy document inline and returns its access key id and secret access key.
    pub async fn create_user(&self, name: &str, policy_json: &str) -> Result<(String, String), Error> {
        self.iam(name, "CreateUser", &[]).await?;
        self.iam(name, "PutUserPolicy", &[("PolicyName", "billform"), ("PolicyDocument", policy_json)]).await?;
        let body = self.iam(name, "CreateAccessKey", &[]).await?;
        match (element(&body, "AccessKeyId"), element(&body, "SecretAccessKey")) {
            (Some(id), Some(secret)) => Ok((id, secret)),
            // The body is not shown: it may hold half a credential.
            _ => Err(Error::User {
                name: name.to_owned(),
                step: "CreateAccessKey",
                status: 200,
                body: "no key".to_owned(),
            }),
        }
    }

    /// Stops everything and waits until nothing is left.
    pub async fn stop(mut self) {
        self.tasks.clear();
        let LocalCloud { ministack, .. } = self;
        ministack.stop().await;
    }

    async fn iam(&self, name: &str, step: &'static str, more: &[(&str, &str)]) -> Result<String, Error> {
        let mut pairs = vec![("Action", step), ("Version", "2010-05-08"), ("UserName", name)];
        pairs.extend_from_slice(more);
        let answer = self.upstream.form("iam", &pairs).await?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.is_success() {
            return Ok(body);
        }
        Err(Error::User { name: name.to_owned(), step, status: answer.status, body })
    }
}

async fn serve_stripe(listener: TcpListener, stripe: Stripe) {
    // It returns when the listener fails; clients then see that nothing listens.
    let _ = localstripe::serve(listener, stripe).await;
}

async fn listen() -> Result<(TcpListener, String), Error> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any).await.map_err(Error::Bind)?;
    let address = listener.local_addr().map_err(Error::Bind)?;
    Ok((listener, format!("http://{address}")))
}

fn stripe_key() -> Result<String, Error> {
    let mut bytes = [0_u8; 12];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(format!("sk_test_local{}", hex::encode(bytes)))
}

/// The text of the first XML element of that name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_exactly_the_promised_keys() {
        let text = |value: &str| value.to_owned();
        let description = Description {
            aws_endpoint: text("a"),
            stripe_api_base: text("s"),
            account: text("1"),
            region: text("r"),
            access_key_id: text("k"),
            secret_access_key: text("x"),
            stripe_api_key: text("y"),
            pid: 7,
        };
        let json = serde_json::to_value(&description).unwrap();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let promised = [
            "aws_endpoint",
            "stripe_api_base",
            "account",
            "region",
            "access_key_id",
            "secret_access_key",
            "stripe_api_key",
            "pid",
        ];
        assert_eq!(keys, promised);
    }

    #[test]
    fn stripe_keys_are_test_keys_and_differ() {
        let (one, two) = (stripe_key().unwrap(), stripe_key().unwrap());
        assert!(one.starts_with("sk_test_local") && one != two);
    }

    #[test]
    fn elements_are_found_or_not() {
        assert_eq!(element("<a><AccessKeyId>AKIA</AccessKeyId></a>", "AccessKeyId").as_deref(), Some("AKIA"));
        assert_eq!(element("<a/>", "AccessKeyId"), None);
    }
}
