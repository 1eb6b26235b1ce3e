# Where alerts go.

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alert_emails)

  display_name = "lakefill: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }

  # A channel that a policy still names cannot be deleted: the policies are changed first.
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.this]
}

locals {
  channels = concat(
    [for address in sort(keys(google_monitoring_notification_channel.email)) : google_monitoring_notification_channel.email[address].id],
    var.notification_channels,
  )
}
