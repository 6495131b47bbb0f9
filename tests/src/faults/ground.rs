//! Where cases run, one after another: a local cloud that is emptied before each of them.

use std::collections::BTreeMap;
use std::time::Duration;

use localcloud::gateway::fault::FaultState;
use provisioner::cloud::bundle::Bundle;
use serde_json::{Value, json};

use super::change::{BUCKET, CUSTOMER};
use super::lacking::Engine;
use super::{Case, Change, Clean, Differences, Lacking};
use crate::live::clients::Clients as _;
use crate::stage::{Inventory, PORTAL, Ran, Stage, dummy_bundle};

/// How often it is asked whether calls are still under way.
const POLL: Duration = Duration::from_millis(5);
/// So often in a row there must be none.
const POLLS_AT_REST: u32 = 3;

/// A local cloud with a folder, used again and again.
pub struct Ground {
    stage: Stage,
    /// What each change needs to be allowed, as `billform permissions` prints it.
    policies: BTreeMap<Change, String>,
    /// What is there before a change that is given up.
    portal: Inventory,
    /// The id of the customer that others made, where the change imports it.
    customer: String,
}

/// What a disturbed run came to before it was repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Struck {
    /// Whether there was such a call.
    pub reached: bool,
    /// Whether the run ended well all the same.
    pub ended_well: bool,
}

impl Ground {
    /// Starts a cloud.
    pub async fn new() -> Ground {
        let stage = Stage::without_handlers(PORTAL).await;
        let mut policies = BTreeMap::new();
        for change in Change::ALL {
            policies.insert(change, policy(&stage, change).await);
        }
        Ground { stage, policies, portal: Inventory::new(), customer: String::new() }
    }

    /// Makes the change undisturbed and tells what it comes to.
    pub async fn clean(&mut self, change: Change) -> Clean {
        self.prepare(change).await;
        self.stage.run(change.command()).await.ok();
        let calls = Clean::count(&self.stage.place.cloud.traffic().counts().log);
        if change == Change::Abandon {
            self.write(&change.repaired_manifest());
            self.stage.run(change.command()).await.ok();
        }
        let inventory = self.stage.inventory().await;
        let mut optional = Inventory::new();
        for (service, names) in inventory.iter().filter(|_| change == Change::Abandon) {
            let before = self.portal.get(service).cloned().unwrap_or_default();
            optional.insert(service, names.difference(&before).cloned().collect());
        }
        let clean = Clean { change, calls, inventory, optional, records: self.stage.records() };
        self.stage.run(change.check()).await.ok();
        clean
    }

    /// Disturbs the change, makes it again, and compares. An error is a run that did not end as it must.
    pub async fn run(&mut self, case: &Case, clean: &Clean) -> (Struck, Result<Differences, String>) {
        self.prepare(case.change).await;
        let struck = self.disturbed(case).await;
        self.write(&case.change.repaired_manifest());
        let mut repair = self.stage.run(case.change.command()).await;
        self.quiet().await;
        if case.overlaps() {
            // That one was disturbed as well, by what the dead one had sent: the next one counts.
            repair = self.stage.run(case.change.command()).await;
        }
        let inventory = self.stage.inventory().await;
        let differences = Differences::between(&clean.inventory, &clean.optional, &inventory);
        let differences = differences.with_records(&clean.records, &self.stage.records());
        if repair.status != Some(0) {
            return (struck, Err(said("the next run failed", &repair)));
        }
        let third = self.stage.run(case.change.check()).await;
        match third.status {
            Some(0) => (struck, Ok(differences)),
            _ => (struck, Err(said("the third run finds something to do", &third))),
        }
    }

    /// The same by the engine in this process, without a safeguard.
    pub async fn run_lacking(
        &mut self,
        case: &Case,
        clean: &Clean,
        lacking: Lacking,
    ) -> (Struck, Result<Differences, String>) {
        self.stage.reset().await;
        let bundle = Bundle::read(dummy_bundle()).expect("the bundle is read");
        let cloud = &self.stage.place.cloud;
        let mut engine = Engine::new(lacking, bundle, cloud.description());
        if let Some(before) = case.change.before() {
            engine.want(&before);
            engine.apply().await.expect("what was there before is made");
        }
        if case.change == Change::Import {
            self.make_by_hand().await;
        }
        self.stage.place.cloud.traffic().reset();
        engine.want(&self.with_id(&case.change.manifest()));
        let fault = self.arm(case);
        let ended_well = tokio::select! {
            // Dropping the run's future is its death.
            () = self.stage.place.cloud.traffic().until(fault, case.killed_at()), if case.disturbance.kills() => false,
            result = engine.apply() => result.is_ok(),
        };
        let struck = self.struck(case, ended_well).await;
        engine.want(&self.with_id(&case.change.repaired_manifest()));
        let mut repaired = engine.apply().await;
        self.quiet().await;
        if case.overlaps() {
            repaired = engine.apply().await;
        }
        let differences = Differences::between(&clean.inventory, &clean.optional, &self.stage.inventory().await);
        let result = match repaired {
            Err(why) => Err(format!("the next run failed: {why}")),
            Ok(()) => engine.left().await.map_err(|left| format!("the third run finds something to do: {left}")),
        };
        // Without journal or adoption a run may fail and leave orphans as well: both count.
        let result = match result {
            Err(why) if differences.is_empty() => Err(why),
            Err(why) => Ok(Differences { others: [differences.others, vec![why]].concat(), ..differences }),
            Ok(()) => Ok(differences),
        };
        (struck, result)
    }

    /// An empty account, or one in which the change has something to work on.
    async fn prepare(&mut self, change: Change) {
        self.stage.reset().await;
        if let Some(before) = change.before() {
            self.stage.write(&before);
            self.stage.run_as_root(&["apply", "--auto-approve"]).await.ok();
            if change == Change::Abandon && self.portal.is_empty() {
                self.portal = self.stage.inventory().await;
            }
        }
        if change == Change::Import {
            self.make_by_hand().await;
        }
        self.write(&change.manifest());
        self.stage.be_user_under(&self.policies[&change]).await;
        self.stage.place.cloud.traffic().reset();
    }

    /// What others make before it is imported: a customer that says little, and a bare bucket.
    async fn make_by_hand(&mut self) {
        let made = self.stage.at_stripe("POST", "/v1/customers", "name=Second&metadata[crm]=42").await;
        made["id"].as_str().expect("an id").clone_into(&mut self.customer);
        let made = self.stage.root().await.s3().create_bucket().bucket(BUCKET).send().await;
        made.expect("the bucket is made");
    }

    fn write(&self, manifest: &str) {
        self.stage.write(&self.with_id(manifest));
    }

    /// The manifest with the customer's id.
    fn with_id(&self, manifest: &str) -> String {
        manifest.replace(CUSTOMER, &self.customer)
    }

    /// The run whose call is struck, to its end or its death.
    async fn disturbed(&self, case: &Case) -> Struck {
        let traffic = self.stage.place.cloud.traffic();
        let fault = self.arm(case);
        let mut run = self.stage.start(case.change.command());
        let ended_well = if case.disturbance.kills() {
            tokio::select! {
                () = traffic.until(fault, case.killed_at()) => {
                    run.kill().await.expect("it is killed");
                    false
                }
                status = run.wait() => status.expect("billform is waited for").success(),
            }
        } else {
            self.stage.finish(run).await.status == Some(0)
        };
        self.struck(case, ended_well).await
    }

    fn arm(&self, case: &Case) -> u64 {
        self.stage.place.cloud.traffic().arm(vec![case.fault()]).expect("nth counts from 1")[0]
    }

    /// Whether the fault struck. From here on nothing is disturbed, and unless the next run is to meet it, what was
    /// under way has ended.
    async fn struck(&self, case: &Case, ended_well: bool) -> Struck {
        let traffic = self.stage.place.cloud.traffic();
        if !case.overlaps() {
            self.quiet().await;
        }
        let reached = traffic.faults().first().is_some_and(|fault| fault.state != FaultState::Armed);
        if !case.overlaps() {
            traffic.disarm();
        }
        Struck { reached, ended_well }
    }

    /// Calls that were under way beside the struck one take effect as well, also those that were sent and not read yet.
    async fn quiet(&self) {
        let mut at_rest = 0;
        while at_rest < POLLS_AT_REST {
            tokio::time::sleep(POLL).await;
            let nothing = self.stage.place.cloud.traffic().counts().in_flight == 0;
            at_rest = if nothing { at_rest + 1 } else { 0 };
        }
    }
}

/// What the change needs, and what was there before as well: what is replaced has other names.
async fn policy(stage: &Stage, change: Change) -> String {
    let command = if change == Change::Destroy { "destroy" } else { "apply" };
    let mut statements = Vec::new();
    for manifest in [change.before(), Some(change.manifest())].into_iter().flatten() {
        stage.write(&manifest);
        let printed = stage.run(&["permissions", "--for", command]).await.ok().json();
        statements.extend(printed["Statement"].as_array().cloned().unwrap_or_default());
    }
    json!({"Version": "2012-10-17", "Statement": Value::from(statements)}).to_string()
}

fn said(what: &str, ran: &Ran) -> String {
    format!("{what} (exit {:?})\n{}{}", ran.status, ran.stdout, ran.stderr)
}
