//! The HTTP client of all AWS clients. TLS and its root certificates are made ready when the first `https` request
//! goes out, once for all of them.
//!
//! The SDK's own does so for every client that is made, some four milliseconds each, whatever the endpoint.

use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Plain HTTP or TLS, as each request asks for.
#[derive(Debug, Clone)]
struct ByScheme {
    plain: SharedHttpClient,
    tls: SharedHttpClient,
}

/// One attempt's connector. Making it makes nothing ready.
#[derive(Debug)]
struct Connector {
    clients: ByScheme,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

/// The client. Roots are the system's, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
pub fn client() -> SharedHttpClient {
    let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let clients = ByScheme { plain: Builder::new().build_http(), tls: Builder::new().tls_provider(tls).build_https() };
    SharedHttpClient::new(clients)
}

impl HttpClient for ByScheme {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            clients: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
    // The base configuration is not validated: there the SDK's client would load the roots.
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let secure = request.uri().starts_with("https:");
        let client = if secure { &self.clients.tls } else { &self.clients.plain };
        // Made on first use and kept by the client, with its connections.
        client.http_connector(&self.settings, &self.components).call(request)
    }
}
