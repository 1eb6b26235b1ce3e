output "coverage_url" {
  description = "The coverage page, for a browser that is logged in with an account that may read the bucket. The audit writes it."
  value       = "https://storage.cloud.google.com/${google_storage_bucket.lake.name}/_lakefill/coverage/index.html"
}

output "curl" {
  description = "A call of dispatch, as one of the invokers: what would be fetched now? Nothing is published."
  value       = "curl -H \"Authorization: Bearer $(gcloud auth print-identity-token)\" -d '{\"dry_run\": true}' ${local.dispatch_uri}/"

  depends_on = [google_cloud_run_v2_service_iam_member.invokers]
}

output "dashboard_url" {
  description = "The dashboard."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(google_monitoring_dashboard.this.id)}?project=${var.project_id}"
}

output "dispatch_url" {
  description = "Address of dispatch. It lets in Cloud Scheduler and the invokers."
  value       = local.dispatch_uri

  depends_on = [google_cloud_run_v2_service_iam_member.invokers]
}

output "lake" {
  description = "The lake's bucket."
  value       = google_storage_bucket.lake.name
}

output "stored_filter" {
  description = "Filter for subscriptions to the stored topic: leaves lakefill's own records out."
  value       = "NOT hasPrefix(attributes.objectId, \"_lakefill/\")"
}

output "stored_topic" {
  description = "Topic that tells of each object written to the lake."
  value       = google_pubsub_topic.stored.id

  depends_on = [google_storage_notification.stored]
}
