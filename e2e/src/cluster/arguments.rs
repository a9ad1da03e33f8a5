//! What the programs are told.
use crate::{Certificates, setup::show};
use std::{net::SocketAddr, path::Path};

/// `etcd` for clients and peers at these addresses.
pub(super) fn etcd(clients: SocketAddr, peers: SocketAddr, folder: &Path) -> Vec<String> {
    let (clients, peers) = (format!("http://{clients}"), format!("http://{peers}"));
    vec![
        format!("--data-dir={}", show(&folder.join("etcd"))),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
        // Nothing here has to survive the machine.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

/// `kube-apiserver` with the certificates `server` and `accounts`, and its objects in `store`.
pub(super) fn api_server(
    address: SocketAddr,
    store: SocketAddr,
    certificates: &Certificates,
) -> Vec<String> {
    let (authority, _) = certificates.paths("ca");
    let (certificate, key) = certificates.paths("server");
    let (accounts, accounts_key) = certificates.paths("accounts");
    vec![
        format!("--etcd-servers=http://{store}"),
        format!("--bind-address={}", address.ip()),
        format!("--secure-port={}", address.port()),
        // It refuses to be a loopback address to others.
        "--advertise-address=10.77.255.254".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--tls-cert-file={certificate}"),
        format!("--tls-private-key-file={key}"),
        format!("--client-ca-file={authority}"),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={accounts}"),
        format!("--service-account-signing-key-file={accounts_key}"),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        // It waits for objects that a controller would make.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
    ]
}
