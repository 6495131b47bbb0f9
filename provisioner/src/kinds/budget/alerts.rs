//! A budget's notifications and who is told by them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_budgets::types::{
    ComparisonOperator, Notification, NotificationType, NotificationWithSubscribers, Subscriber, SubscriptionType,
    ThresholdType,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use engine::kind::{CallError, ErrorClass};
use serde::{Deserialize, Serialize};

use super::{Budgets, DUPLICATE, Desired, MISSING, PAGE};
use crate::cloud::errors::{call_error, code, refused};

/// Who is told when a threshold is passed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribers {
    /// E-mail addresses, at most ten.
    pub emails: BTreeSet<String>,
    /// ARN of one SNS topic.
    pub topic: Option<String>,
}

/// How one is told: `EMAIL` or `SNS`, and where.
type Channel = (SubscriptionType, String);

/// One call that brings alerts nearer to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    /// A threshold is to be watched.
    Add(u32, Subscribers),
    /// A threshold is no longer watched.
    Remove(u32),
    /// One subscriber takes another's place: at no time too many, nor none.
    Exchange(u32, Channel, Channel),
    /// One more is told.
    Subscribe(u32, Channel),
    /// One less is told.
    Unsubscribe(u32, Channel),
}

impl Budgets {
    /// The thresholds of every budget of the account, by the budget's name.
    pub(super) async fn thresholds_of_all(&self) -> Result<HashMap<String, Vec<u32>>, CallError> {
        let call = self.budgets.describe_budget_notifications_for_account().account_id(&self.cloud.account);
        let mut budgets = call.into_paginator().page_size(PAGE).items().send();
        let mut all = HashMap::new();
        while let Some(budget) = budgets.next().await {
            let budget = budget.map_err(|error| call_error("budgets:DescribeBudgetNotificationsForAccount", error))?;
            let thresholds = budget.notifications().iter().filter_map(threshold);
            let of_budget: &mut Vec<u32> = all.entry(budget.budget_name().unwrap_or_default().to_owned()).or_default();
            of_budget.extend(thresholds);
        }
        Ok(all)
    }

    /// The alerts of one budget, by threshold. Those of another type than ours are left alone, so not shown.
    pub(super) async fn alerts(
        &self,
        budget: &str,
        listed: Option<Vec<u32>>,
    ) -> Result<BTreeMap<u32, Subscribers>, CallError> {
        let thresholds = match listed {
            Some(thresholds) => thresholds,
            None => self.thresholds(budget).await?,
        };
        let mut alerts = BTreeMap::new();
        for threshold in thresholds {
            alerts.insert(threshold, self.subscribers(budget, threshold).await?);
        }
        Ok(alerts)
    }

    async fn thresholds(&self, budget: &str) -> Result<Vec<u32>, CallError> {
        let call = self.budgets.describe_notifications_for_budget();
        let call = call.account_id(&self.cloud.account).budget_name(budget);
        let mut notifications = call.into_paginator().items().send();
        let mut thresholds = Vec::new();
        while let Some(notification) = notifications.next().await {
            let notification =
                notification.map_err(|error| call_error("budgets:DescribeNotificationsForBudget", error))?;
            thresholds.extend(threshold(&notification));
        }
        Ok(thresholds)
    }

    async fn subscribers(&self, budget: &str, threshold: u32) -> Result<Subscribers, CallError> {
        let operation = "budgets:DescribeSubscribersForNotification";
        let call = self.budgets.describe_subscribers_for_notification().account_id(&self.cloud.account);
        let call = call.budget_name(budget).notification(notification(threshold).map_err(unbuildable(operation))?);
        let mut pages = call.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(subscriber) = pages.next().await {
            found.push(subscriber.map_err(|error| looks_again(error, operation))?);
        }
        Ok(observed(&found))
    }

    /// Looks again, then makes the calls that are still needed, one by one.
    pub(super) async fn update_alerts(&self, desired: &Desired) -> Result<(), CallError> {
        let present = self.alerts(&desired.name, None).await?;
        for edit in edits(&desired.alerts, &present) {
            self.carry_out(&desired.name, &edit).await?;
        }
        Ok(())
    }

    async fn carry_out(&self, budget: &str, edit: &Edit) -> Result<(), CallError> {
        let (budgets, account) = (&self.budgets, &self.cloud.account);
        let invalid = unbuildable("budgets:ModifyBudget");
        match edit {
            Edit::Add(threshold, who) => {
                let call = budgets.create_notification().account_id(account).budget_name(budget);
                let call = call.notification(notification(*threshold).map_err(invalid)?);
                let subscribers = channels(who).iter().map(subscriber).collect::<Result<_, _>>();
                let call = call.set_subscribers(Some(subscribers.map_err(invalid)?));
                unless(DUPLICATE, "budgets:CreateNotification", call.send().await)
            }
            Edit::Remove(threshold) => {
                let call = budgets.delete_notification().account_id(account).budget_name(budget);
                let call = call.notification(notification(*threshold).map_err(invalid)?);
                unless(MISSING, "budgets:DeleteNotification", call.send().await)
            }
            Edit::Exchange(threshold, old, new) => {
                let call = budgets.update_subscriber().account_id(account).budget_name(budget);
                let call = call.notification(notification(*threshold).map_err(invalid)?);
                let call = call.old_subscriber(subscriber(old).map_err(invalid)?);
                let call = call.new_subscriber(subscriber(new).map_err(invalid)?);
                call.send().await.map(drop).map_err(|error| looks_again(error, "budgets:UpdateSubscriber"))
            }
            Edit::Subscribe(threshold, channel) => {
                let call = budgets.create_subscriber().account_id(account).budget_name(budget);
                let call = call.notification(notification(*threshold).map_err(invalid)?);
                let call = call.subscriber(subscriber(channel).map_err(invalid)?);
                unless(DUPLICATE, "budgets:CreateSubscriber", call.send().await)
            }
            Edit::Unsubscribe(threshold, channel) => {
                let call = budgets.delete_subscriber().account_id(account).budget_name(budget);
                let call = call.notification(notification(*threshold).map_err(invalid)?);
                let call = call.subscriber(subscriber(channel).map_err(invalid)?);
                unless(MISSING, "budgets:DeleteSubscriber", call.send().await)
            }
        }
    }
}

/// The alert as CreateBudget takes it.
pub fn with_subscribers((threshold, who): (&u32, &Subscribers)) -> Result<NotificationWithSubscribers, BuildError> {
    let subscribers: Result<Vec<Subscriber>, BuildError> = channels(who).iter().map(subscriber).collect();
    NotificationWithSubscribers::builder()
        .notification(notification(*threshold)?)
        .set_subscribers(Some(subscribers?))
        .build()
}

fn notification(threshold: u32) -> Result<Notification, BuildError> {
    Notification::builder()
        .notification_type(NotificationType::Actual)
        .comparison_operator(ComparisonOperator::GreaterThan)
        .threshold(f64::from(threshold))
        .threshold_type(ThresholdType::Percentage)
        .build()
}

/// The threshold of an alert of our type: actual cost above a whole percentage of the limit.
fn threshold(notification: &Notification) -> Option<u32> {
    let is_ours = notification.notification_type == NotificationType::Actual
        && notification.comparison_operator == ComparisonOperator::GreaterThan
        && notification.threshold_type.as_ref().is_none_or(|kind| *kind == ThresholdType::Percentage);
    // Through text: a fraction does not parse, where a conversion would cut it off.
    notification.threshold.to_string().parse().ok().filter(|_| is_ours)
}

fn channels(who: &Subscribers) -> BTreeSet<Channel> {
    let emails = who.emails.iter().map(|email| (SubscriptionType::Email, email.clone()));
    emails.chain(who.topic.iter().map(|topic| (SubscriptionType::Sns, topic.clone()))).collect()
}

fn subscriber((kind, address): &Channel) -> Result<Subscriber, BuildError> {
    Subscriber::builder().subscription_type(kind.clone()).address(address).build()
}

fn observed(subscribers: &[Subscriber]) -> Subscribers {
    let of = |kind: SubscriptionType| {
        let addresses = subscribers.iter().filter(move |subscriber| subscriber.subscription_type == kind);
        addresses.map(|subscriber| subscriber.address.clone())
    };
    Subscribers { emails: of(SubscriptionType::Email).collect(), topic: of(SubscriptionType::Sns).next() }
}

/// What leads from the present alerts to the wanted ones.
fn edits(wanted: &BTreeMap<u32, Subscribers>, present: &BTreeMap<u32, Subscribers>) -> Vec<Edit> {
    let gone = present.keys().filter(|threshold| !wanted.contains_key(threshold)).map(|at| Edit::Remove(*at));
    // Removed first: a budget takes so many notifications and no more.
    let mut edits: Vec<Edit> = gone.collect();
    for (at, who) in wanted {
        match present.get(at) {
            None => edits.push(Edit::Add(*at, who.clone())),
            Some(told) => edits.extend(subscriber_edits(*at, &channels(who), &channels(told))),
        }
    }
    edits
}

/// Subscribers of one type change places as far as there are pairs; a notification without any would be deleted, so
/// the rest is added before it is removed.
fn subscriber_edits(at: u32, wanted: &BTreeSet<Channel>, present: &BTreeSet<Channel>) -> Vec<Edit> {
    let (mut exchanges, mut added, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for kind in [SubscriptionType::Email, SubscriptionType::Sns] {
        let of_kind = |channel: &&Channel| channel.0 == kind;
        let mut new = wanted.difference(present).filter(of_kind).cloned();
        let mut old = present.difference(wanted).filter(of_kind).cloned();
        loop {
            match (old.next(), new.next()) {
                (Some(old), Some(new)) => exchanges.push(Edit::Exchange(at, old, new)),
                (Some(old), None) => removed.push(Edit::Unsubscribe(at, old)),
                (None, Some(new)) => added.push(Edit::Subscribe(at, new)),
                (None, None) => break,
            }
        }
    }
    exchanges.into_iter().chain(added).chain(removed).collect()
}

/// A retried call finds its effect there already: that is success.
fn unless<T, E>(already: &str, operation: &str, answer: Result<T, SdkError<E, Response>>) -> Result<(), CallError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Err(error) if code(&error) == Some(already) => Ok(()),
        answer => answer.map(drop).map_err(|error| call_error(operation, error)),
    }
}

/// What contradicts a list read a moment ago: a notification that went meanwhile, or was made and is not visible
/// everywhere; an exchange that happened already. The next try looks again.
fn looks_again<E>(error: SdkError<E, Response>, operation: &str) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let maybe = matches!(code(&error), Some(MISSING | DUPLICATE));
    let failed = call_error(operation, error);
    if maybe { CallError { class: ErrorClass::NotYet, ..failed } } else { failed }
}

fn unbuildable(operation: &'static str) -> impl Fn(BuildError) -> CallError + Copy {
    move |error| refused(operation, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(emails: &[&str], topic: Option<&str>) -> Subscribers {
        let emails = emails.iter().map(|email| (*email).to_owned()).collect();
        Subscribers { emails, topic: topic.map(str::to_owned) }
    }

    fn email(address: &str) -> Channel {
        (SubscriptionType::Email, address.to_owned())
    }

    fn sns(topic: &str) -> Channel {
        (SubscriptionType::Sns, topic.to_owned())
    }

    #[test]
    fn an_alert_survives_its_translation() {
        let who = who(&["a@x", "b@x"], Some("arn:t"));
        let sent = with_subscribers((&80, &who)).expect("builds");
        assert_eq!(sent.notification().and_then(threshold), Some(80));
        assert_eq!(observed(sent.subscribers()), who);
    }

    #[test]
    fn alerts_of_other_types_are_not_ours() {
        let with = |change: &dyn Fn(&mut Notification)| {
            let mut notification = notification(80).expect("builds");
            change(&mut notification);
            threshold(&notification)
        };
        assert_eq!(with(&|it| it.threshold_type = None), Some(80));
        assert_eq!(with(&|it| it.threshold = 80.5), None);
        assert_eq!(with(&|it| it.notification_type = NotificationType::Forecasted), None);
        assert_eq!(with(&|it| it.comparison_operator = ComparisonOperator::LessThan), None);
        assert_eq!(with(&|it| it.threshold_type = Some(ThresholdType::AbsoluteValue)), None);
    }

    #[test]
    fn nothing_changes_what_is_right() {
        let alerts = BTreeMap::from([(80, who(&["a@x"], None))]);
        assert_eq!(edits(&alerts, &alerts), []);
    }

    #[test]
    fn thresholds_come_and_go() {
        let wanted = BTreeMap::from([(50, who(&["a@x"], None)), (80, who(&["a@x"], None))]);
        let present = BTreeMap::from([(80, who(&["a@x"], None)), (90, who(&["a@x"], None))]);
        assert_eq!(edits(&wanted, &present), [Edit::Remove(90), Edit::Add(50, who(&["a@x"], None))]);
    }

    #[test]
    fn subscribers_change_without_a_moment_of_none_or_too_many() {
        let from = |present: Subscribers, wanted: Subscribers| {
            edits(&BTreeMap::from([(80, wanted)]), &BTreeMap::from([(80, present)]))
        };
        assert_eq!(
            from(who(&["a@x"], Some("arn:t")), who(&["b@x"], Some("arn:u"))),
            [Edit::Exchange(80, email("a@x"), email("b@x")), Edit::Exchange(80, sns("arn:t"), sns("arn:u"))]
        );
        assert_eq!(
            from(who(&["a@x"], None), who(&[], Some("arn:t"))),
            [Edit::Subscribe(80, sns("arn:t")), Edit::Unsubscribe(80, email("a@x"))]
        );
        assert_eq!(
            from(who(&["a@x", "b@x"], None), who(&["c@x"], None)),
            [Edit::Exchange(80, email("a@x"), email("c@x")), Edit::Unsubscribe(80, email("b@x"))]
        );
    }
}
