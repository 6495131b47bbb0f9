//! The local cloud of the demo, and a user of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use billing::Month;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::ToSpan;
use jiff::civil::Date;
use localcloud::costs::CostRow;
use localcloud::{Description, LocalCloud, Options, daemon, remote};
use serde_json::Value;

use super::steps::Steps;
use crate::bundle::checkout;
use crate::cloud::calls::Calls;
use crate::cloud::secret_values::SecretValue;
use crate::cloud::stripe_api::StripeApi;
use crate::cloud::{Cloud, CloudOptions};
use crate::run::secrets;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};

/// Days after a month's end until the demo's manifest bills it (`invoicing.settle_days`).
const SETTLE_DAYS: i64 = 14;
/// The tag value of the demo's tenant, and what AWS finds late of its cost, in US dollars.
const ORGANIZATION: &str = "MMP-Toledo";
const FOUND_LATE_USD: i64 = 31;

/// The local cloud: within this process, or in the background when it is to stay.
pub struct DemoCloud {
    description: Description,
    /// Dropping it stops everything, also when a step fails.
    own: Option<LocalCloud>,
}

/// Someone with credentials and a folder with a manifest.
pub struct User {
    description: Description,
    folder: PathBuf,
}

impl DemoCloud {
    /// Starts it.
    pub async fn start(keep: bool, progress: &dyn Fn(&str)) -> Result<DemoCloud, Failure> {
        let home = checkout::local_cloud_home()?;
        if !keep {
            let own = LocalCloud::start(Options::new(home), progress).await?;
            return Ok(DemoCloud { description: own.description().clone(), own: Some(own) });
        }
        // A cloud that runs already may hold other things: the demo wants an empty one.
        daemon::down(&home).await?;
        let defaults = Options::new(&home);
        let mut program = Command::new(std::env::current_exe()?);
        program.args(["local", "serve", "--account", &defaults.account, "--region", &defaults.region, "--home"]);
        program.arg(&home);
        let description = daemon::up(&home, program, progress).await?;
        Ok(DemoCloud { description, own: None })
    }

    /// A user working in `folder`.
    pub fn user(&self, folder: &Path) -> Result<User, Failure> {
        Ok(User { description: self.description.clone(), folder: std::path::absolute(folder)? })
    }

    /// Days until the day after the next month has begun: by then the month before is drafted provisionally.
    pub async fn days_until_month_ended(&self) -> Result<i32, Failure> {
        let today = self.today().await?;
        Ok(today.until(today.last_of_month().tomorrow()?.tomorrow()?)?.get_days())
    }

    /// Days until the day after the next settling day: by then a closed month's draft is complete.
    pub async fn days_until_settled(&self) -> Result<i32, Failure> {
        let today = self.today().await?;
        Ok(today.until(day_after_settling(today)?)?.get_days())
    }

    /// The month before the present one.
    pub async fn last_month(&self) -> Result<Month, Failure> {
        Ok(Month::of(self.today().await?).previous()?)
    }

    async fn today(&self) -> Result<Date, Failure> {
        let now = remote::clock(&self.description.aws_endpoint).await?.now;
        Ok(now.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// AWS finds 31.00 USD more of the tenant's cost of a month's last day.
    pub async fn restate(&self, month: Month) -> Result<(), Failure> {
        let endpoint = &self.description.aws_endpoint;
        let mut model = remote::costs(endpoint).await?;
        let last = month.period().last_day();
        let is_theirs = |row: &&mut CostRow| row.date == last && row.tags.values().any(|value| value == ORGANIZATION);
        let row = model.rows.iter_mut().find(is_theirs);
        let row =
            row.ok_or_else(|| Failure::new(format!("the local cloud has no cost of {ORGANIZATION} on {last}")))?;
        row.amount += rust_decimal::Decimal::from(FOUND_LATE_USD);
        Ok(remote::set_costs(endpoint, &model).await?)
    }

    /// Leaves it running and says how to go on.
    pub fn leave(&self, user: &User, steps: &Steps) -> Outcome {
        let here = &self.description;
        let (aws, stripe) = (&here.aws_endpoint, &here.stripe_api_base);
        anstream::println!(
            "\nEverything is left running (process {}). In a shell in {}:\n",
            here.pid,
            user.folder.display()
        );
        println!("export AWS_ENDPOINT_URL={aws} AWS_REGION={} STRIPE_API_BASE={stripe}", here.region);
        println!("export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}", here.access_key_id, here.secret_access_key);
        println!("export STRIPE_API_KEY={0} BILLFORM_SECRET_STRIPE={0}\n", here.stripe_api_key);
        user.billform(&["output"], exit::DONE)?;
        println!("\nThe portal, signed in as the tenant; open it in a browser on this machine:\n");
        user.billform(&["tenant", "link", super::TENANT], exit::DONE)?;
        println!("\n`billform local down` stops it; nothing in it is kept.");
        steps.finish();
        Ok(exit::DONE)
    }

    /// Stops it and waits until it is gone.
    pub async fn stop(mut self) {
        if let Some(own) = self.own.take() {
            own.stop().await;
        }
    }
}

impl User {
    /// Runs billform, shows what it prints, and wants this exit code.
    pub fn billform(&self, arguments: &[&str], code: u8) -> Result<(), Failure> {
        anstream::println!("  $ billform {}", arguments.join(" "));
        let status = self.command(arguments)?.status()?;
        expect(arguments, status.code(), code)
    }

    /// Runs billform and shows only the end of what it prints: the plan was shown before.
    pub fn billform_quietly(&self, arguments: &[&str]) -> Result<(), Failure> {
        anstream::println!("  $ billform {}", arguments.join(" "));
        let output = self.command(arguments)?.stderr(Stdio::piped()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let result: Vec<&str> = text.lines().rev().take_while(|line| !line.trim().is_empty()).collect();
        result.iter().rev().for_each(|line| anstream::println!("{line}"));
        if !output.status.success() {
            anstream::eprint!("{}", String::from_utf8_lossy(&output.stderr));
        }
        expect(arguments, output.status.code(), exit::DONE)
    }

    /// Runs billform and takes its JSON.
    pub fn billform_json(&self, arguments: &[&str]) -> Result<Value, Failure> {
        anstream::println!("  $ billform {}", arguments.join(" "));
        let output = self.command(arguments)?.args(["--format", "json"]).output()?;
        expect(arguments, output.status.code(), exit::DONE)?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn command(&self, arguments: &[&str]) -> Result<Command, Failure> {
        let here = &self.description;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command.env("CARGO_TARGET_DIR", checkout::target()?);
        command.env("AWS_ENDPOINT_URL", &here.aws_endpoint).env("AWS_REGION", &here.region);
        command.env("AWS_ACCESS_KEY_ID", &here.access_key_id).env("AWS_SECRET_ACCESS_KEY", &here.secret_access_key);
        command.env("STRIPE_API_BASE", &here.stripe_api_base).env("STRIPE_API_KEY", &here.stripe_api_key);
        command.env("BILLFORM_SECRET_STRIPE", &here.stripe_api_key);
        // Whatever this workstation is set up for, the demo stays on the local cloud.
        for variable in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "HTTP_PROXY", "http_proxy"] {
            command.env_remove(variable);
        }
        Ok(command)
    }

    /// Clients for what a user would do in the console.
    pub async fn clients(&self) -> Result<aws_config::SdkConfig, Failure> {
        let here = &self.description;
        let credentials = Credentials::new(&here.access_key_id, &here.secret_access_key, None, None, "demo");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&here.aws_endpoint)
            .region(Region::new(here.region.clone()))
            .credentials_provider(credentials);
        Ok(config.load().await)
    }

    /// The account as the kinds see it, for an inventory.
    pub async fn cloud(&self) -> Result<Arc<Cloud>, Failure> {
        let options = CloudOptions {
            stack: String::new(),
            account: self.description.account.clone(),
            region: self.description.region.clone(),
            secret_values: Arc::new(secrets::Given::new(false)),
            bundle: None,
            stripe: Some(self.stripe()?),
            calls: Calls::default(),
        };
        Ok(Arc::new(Cloud::new(&self.clients().await?, options)))
    }

    fn function(&self, handler: &str) -> Result<String, Failure> {
        let output = self.command(&["output", &format!("functions.{handler}")])?.output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Changes a function's memory as someone in the console would.
    pub async fn change_memory(&self, handler: &str, memory_mb: i32) -> Result<(), Failure> {
        let client = aws_sdk_lambda::Client::new(&self.clients().await?);
        let call = client.update_function_configuration().function_name(self.function(handler)?).memory_size(memory_mb);
        call.send()
            .await
            .map_err(|error| crate::cloud::errors::call_error("lambda:UpdateFunctionConfiguration", error))?;
        Ok(())
    }

    /// What the deployed `GET /costs` answers for last month, asked with a link's token.
    pub async fn last_months_costs(&self, link: &Value) -> Result<Value, Failure> {
        let text = |name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default();
        let url = format!("{}/costs?period=last-month", text("api_url"));
        anstream::println!("  $ curl -H \"Authorization: Bearer TOKEN\" \"{url}\"");
        let request = http::Request::get(&url).header("authorization", format!("Bearer {}", text("token")));
        let request = request.body(Empty::<bytes::Bytes>::new())?;
        let answer = Client::builder(TokioExecutor::new()).build_http().request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        match status.is_success() {
            true => Ok(serde_json::from_slice(&body)?),
            false => Err(Failure::new(format!("GET /costs answered {status}: {}", String::from_utf8_lossy(&body)))),
        }
    }

    fn stripe(&self) -> Result<StripeApi, Failure> {
        let key = SecretValue::new(self.description.stripe_api_key.clone());
        Ok(StripeApi::new(&key, Some(&self.description.stripe_api_base), Calls::default())?)
    }

    /// Pays the tenant's open invoices with Stripe's test card, as the tenant would on each invoice's page.
    pub async fn pay_by_card(&self, tenant: &str) -> Result<Vec<String>, Failure> {
        let invoices = self.stripe_rest("GET", "/v1/invoices?status=open&limit=100", "").await?;
        let is_theirs = |invoice: &&Value| invoice["metadata"]["billform_tenant"] == tenant;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut paid = Vec::new();
        for invoice in invoices["data"].as_array().into_iter().flatten().filter(is_theirs) {
            let (id, customer) = (text(&invoice["id"]), text(&invoice["customer"]));
            let attach = "/v1/payment_methods/pm_card_visa/attach";
            let attached = self.stripe_rest("POST", attach, &format!("customer={customer}")).await?;
            let card = format!("payment_method={}", text(&attached["id"]));
            let answer = self.stripe_rest("POST", &format!("/v1/invoices/{id}/pay"), &card).await?;
            paid.push(format!("in Stripe: {id} {}", text(&answer["status"])));
        }
        Ok(paid)
    }

    /// A request to Stripe as anybody with the key can send it.
    async fn stripe_rest(&self, method: &str, path: &str, form: &str) -> Result<Value, Failure> {
        let here = &self.description;
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", here.stripe_api_base.trim_end_matches('/')))
            .header("authorization", format!("Bearer {}", here.stripe_api_key))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::<bytes::Bytes>::from(form.to_owned()))?;
        let answer = Client::builder(TokioExecutor::new()).build_http().request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        match status.is_success() {
            true => Ok(serde_json::from_slice(&body)?),
            false => {
                Err(Failure::new(format!("{method} {path} answered {status}: {}", String::from_utf8_lossy(&body))))
            }
        }
    }

    /// The draft invoices in Stripe, a line each.
    pub async fn drafts(&self) -> Result<Vec<String>, Failure> {
        let list = stripe_billing::invoice::ListInvoice::new();
        let page = self.stripe()?.read("GET /v1/invoices", list).await?;
        let line = |invoice: &stripe_billing::Invoice| {
            let total =
                billing::Money::from_minor_units(billing::money::MinorUnits(invoice.total), billing::Currency::USD);
            let status = invoice.status.as_ref().map_or("unknown", |status| status.as_str());
            let id = invoice.id.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("in Stripe: {id} {status} {total}, {} lines", invoice.lines.data.len())
        };
        Ok(page.data.iter().map(line).collect())
    }
}

/// The day after the first settling day that comes after `today`: the invoicer has run on the settling day by then.
fn day_after_settling(today: Date) -> Result<Date, jiff::Error> {
    let settling = |month: Date| month.first_of_month().checked_add(SETTLE_DAYS.days());
    let this_month = settling(today)?;
    let next = if today < this_month { this_month } else { settling(today.first_of_month().checked_add(1.month())?)? };
    next.tomorrow()
}

/// E1's answer in a few lines.
pub fn summary(answer: &Value) -> Vec<String> {
    let amounts = |of: &str| {
        let group = answer.pointer(&format!("/summary/{of}")).and_then(Value::as_object);
        let line = |(name, amount): (&String, &Value)| format!("  {name}: {}", dollars(&amount["cost"]));
        group.into_iter().flatten().map(line).collect::<Vec<_>>()
    };
    let organization = answer["clientOrganization"].as_str().unwrap_or_default();
    let mut lines = vec![format!("{organization}: total {}", dollars(&answer["summary"]["totalCost"]))];
    lines.push("by project".to_owned());
    lines.extend(amounts("byProject"));
    lines.push("by service".to_owned());
    lines.extend(amounts("byService"));
    lines.push(format!("forecast for the next 30 days: {}", dollars(&answer["forecast"]["amount"])));
    lines
}

/// An amount as a person reads it: `125.50` for the JSON number 125.5.
fn dollars(amount: &Value) -> String {
    match amount.to_string().parse() {
        Ok(amount) => billing::Money::new(amount, billing::Currency::USD).to_string(),
        Err(_) => amount.to_string(),
    }
}

fn expect(arguments: &[&str], code: Option<i32>, wanted: u8) -> Result<(), Failure> {
    match code {
        Some(code) if code == i32::from(wanted) => Ok(()),
        Some(code) => Err(Failure::new(format!("`billform {}` ended with {code}, not {wanted}", arguments.join(" ")))),
        None => Err(Failure::new(format!("`billform {}` was stopped by a signal", arguments.join(" ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_demo_ends_the_day_after_a_settling_day() {
        for (today, end) in [
            (date(2026, 11, 1), date(2026, 11, 16)),
            (date(2026, 11, 14), date(2026, 11, 16)),
            (date(2026, 11, 15), date(2026, 12, 16)),
            (date(2026, 12, 31), date(2027, 1, 16)),
        ] {
            assert_eq!(day_after_settling(today).unwrap(), end, "{today}");
        }
    }
}
