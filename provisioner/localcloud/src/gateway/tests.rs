use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::AsyncWriteExt as _;

use super::pipeline::{Rule, Rules};
use super::*;
use crate::clock::Clock;
use crate::costs::CostModel;
use localstripe::Stripe;

/// Takes its time before anything has happened.
struct Slow(Arc<AtomicBool>);

impl Rule for Slow {
    fn applies(&self, _: &Call) -> bool {
        true
    }

    fn before<'a>(&'a self, call: &'a mut Call, _: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.0.store(true, Ordering::SeqCst);
            Some(protocol::throttled(call))
        })
    }
}

/// Who waits until nothing is under way must not be overtaken by what a dead client had sent.
#[tokio::test]
async fn a_call_is_under_way_until_it_took_effect_though_its_client_went() {
    let took_effect = Arc::new(AtomicBool::new(false));
    let traffic = Traffic::new();
    // Nobody listens there, and nobody is asked.
    let upstream = Upstream::new("127.0.0.1:1".to_owned(), "123456789012".to_owned(), "us-east-1".to_owned());
    let (costs, stripe) = (Costs::new(CostModel::default()), Stripe::new(Default::default()));
    let gateway = Gateway {
        timeline: Timeline::new(Clock::default(), upstream.clone(), costs.clone(), stripe),
        site: "http://localhost:1".to_owned(),
        upstream,
        rules: Rules::new(vec![Box::new(Slow(Arc::clone(&took_effect)))]),
        traffic: traffic.clone(),
        lag: Lag::default(),
        costs,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(serve(listener, Arc::new(gateway)));
    let mut client = TcpStream::connect(address).await.expect("connects");
    let body = "Action=CreateRole&Version=2010-05-08&RoleName=late";
    let head = format!("POST / HTTP/1.1\r\nhost: iam\r\ncontent-length: {}\r\n", body.len());
    let request = format!("{head}content-type: application/x-www-form-urlencoded\r\n\r\n{body}");
    client.write_all(request.as_bytes()).await.expect("is sent");
    let poll = Duration::from_millis(2);
    while traffic.counts().in_flight == 0 {
        tokio::time::sleep(poll).await;
    }
    drop(client);
    while traffic.counts().in_flight > 0 {
        tokio::time::sleep(poll).await;
    }
    assert!(took_effect.load(Ordering::SeqCst), "it counted as done before it was");
    server.abort();
}
