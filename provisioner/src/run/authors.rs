//! Looks up in CloudTrail who changed what drifted. It never fails a drift: what it cannot learn is unknown, and why.
//!
//! CloudTrail takes two look-ups a second ([`localcloud::gateway::rates::published`]), which paces them here; so their
//! number is limited.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use engine::Drifted;

use crate::cloud::errors::call_error;
use crate::cloud::{Cloud, Home, client};
use crate::drift::authors::{Author, Authors, Event, author, names};
use crate::kinds;

/// Look-ups of one run: about a minute's.
const MOST_CALLS: usize = 100;
/// Events of one look-up.
const PAGE: i32 = 50;
/// Pages that are read of a whole service's events, of which most may be reads.
const PAGES: usize = 8;
/// How long one look-up may take, the wait for its turn included.
const PATIENCE: Duration = Duration::from_secs(20);

/// Services whose events are recorded in us-east-1, whatever the stack's region.
const GLOBAL: &[&str] = &["iam", "budgets", "ce", "cur"];

/// The authors of what drifted, each with its reason where there is none.
pub async fn look_up(cloud: &Cloud, drifted: &[Drifted]) -> Authors {
    let mut history = History {
        stack: client!(cloud, aws_sdk_cloudtrail, Home::Stack),
        global: client!(cloud, aws_sdk_cloudtrail, Home::UsEast1),
        of_services: BTreeMap::new(),
        calls: 0,
    };
    let mut authors = Authors::new();
    // One refusal holds for all that follow.
    let mut refused: Option<String> = None;
    for found in drifted {
        let service = kinds::meta(found.address.kind()).map_or("", |meta| meta.service);
        let known = match &refused {
            _ if service == "stripe" => Author::Unknown("CloudTrail has no changes at Stripe".to_owned()),
            Some(why) => Author::Unknown(why.clone()),
            None => match history.author(service, &found.id).await {
                Ok(Some(author)) => author,
                Ok(None) => Author::Unknown("CloudTrail's last 90 days have no change of it".to_owned()),
                Err(why) => {
                    refused = Some(why.clone());
                    Author::Unknown(why)
                }
            },
        };
        authors.insert(found.address.clone(), known);
    }
    authors
}

struct History {
    stack: aws_sdk_cloudtrail::Client,
    global: aws_sdk_cloudtrail::Client,
    /// The newest events of a service, by its name.
    of_services: BTreeMap<String, Vec<Event>>,
    calls: usize,
}

impl History {
    /// By the resource's name where CloudTrail knows it by that, else by what the service's events say.
    async fn author(&mut self, service: &str, id: &str) -> Result<Option<Author>, String> {
        for name in names(id) {
            let events = self.events(service, LookupAttributeKey::ResourceName, name, 1).await?;
            if let Some(author) = author(&events, id) {
                return Ok(Some(author));
            }
        }
        if !self.of_services.contains_key(service) {
            let source = format!("{service}.amazonaws.com");
            let events = self.events(service, LookupAttributeKey::EventSource, &source, PAGES).await?;
            self.of_services.insert(service.to_owned(), events);
        }
        Ok(author(&self.of_services[service], id))
    }

    /// The newest events with an attribute, newest first, up to so many pages.
    async fn events(
        &mut self,
        service: &str,
        key: LookupAttributeKey,
        value: &str,
        pages: usize,
    ) -> Result<Vec<Event>, String> {
        let client = match GLOBAL.contains(&service) {
            true => self.global.clone(),
            false => self.stack.clone(),
        };
        let attribute = LookupAttribute::builder().attribute_key(key).attribute_value(value).build();
        let attribute = attribute.map_err(|error| error.to_string())?;
        let (mut events, mut next) = (Vec::new(), None);
        for _ in 0..pages {
            if self.calls == MOST_CALLS {
                return Err(format!("more than {MOST_CALLS} look-ups in CloudTrail would be needed"));
            }
            self.calls += 1;
            let asked = client.lookup_events().lookup_attributes(attribute.clone()).max_results(PAGE);
            let answer = tokio::time::timeout(PATIENCE, asked.set_next_token(next).send()).await;
            let answer = answer.map_err(|_| format!("CloudTrail did not answer within {} s", PATIENCE.as_secs()))?;
            let page = answer.map_err(|error| call_error("cloudtrail:LookupEvents", error).to_string())?;
            events.extend(page.events().iter().filter_map(|event| Event::parse(event.cloud_trail_event()?)));
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        Ok(events)
    }
}
