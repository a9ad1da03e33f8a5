//! The status of Ingresses. Compat: kubernetes.md "Ingress provider", status.
use k8s_openapi::api::networking::v1::{
    Ingress, IngressLoadBalancerIngress, IngressLoadBalancerStatus,
};
use kube::{Api, Client, api::PostParams};
use rutter_core::provider::kubernetes::{Address, ObjectRef};

/// Writes where an Ingress is reached, unless it says so or is gone.
pub(super) async fn write(
    client: &Client,
    object: &ObjectRef,
    addresses: &[Address],
) -> kube::Result<()> {
    let api = Api::<Ingress>::namespaced(client.clone(), &object.namespace);
    let Some(mut ingress) = api.get_opt(&object.name).await? else { return Ok(()) };
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let wanted = addresses.iter().map(|address| IngressLoadBalancerIngress {
        ip: given(&address.ip),
        hostname: given(&address.hostname),
        ports: None,
    });
    let wanted = Some(IngressLoadBalancerStatus { ingress: Some(wanted.collect()) });
    let status = ingress.status.get_or_insert_default();
    if status.load_balancer == wanted {
        return Ok(());
    }
    status.load_balancer = wanted;
    api.replace_status(&object.name, &PostParams::default(), &ingress).await?;
    Ok(())
}
