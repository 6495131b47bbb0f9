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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    /// How a call to such an endpoint begins.
    async fn beginning(scheme: &str) -> [u8; 4] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(client())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(format!("{scheme}://{address}"))
            .build();
        let sts = aws_sdk_sts::Client::new(&config);
        let call = tokio::spawn(async move { sts.get_caller_identity().send().await.map(drop) });
        let (mut stream, _) = listener.accept().await.expect("the call comes");
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.expect("it says something");
        call.abort();
        bytes
    }

    #[tokio::test]
    async fn https_is_spoken_where_the_endpoint_says_so_and_only_there() {
        assert_eq!(&beginning("http").await, b"POST");
        // A TLS handshake record (RFC 8446, section 5.1).
        assert_eq!(beginning("https").await[..2], [22, 3]);
    }
}
