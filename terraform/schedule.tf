# One job a feed that has a schedule, in the feed's own time zone; and the audit.

resource "google_cloud_scheduler_job" "feed" {
  for_each = local.scheduled_feeds

  name             = "lakefill-feed-${each.key}"
  region           = var.region
  description      = "Asks for the latest periods of ${each.key}."
  schedule         = each.value.schedule
  time_zone        = each.value.timezone
  paused           = each.value.ended
  attempt_deadline = "600s" # over the function's timeout

  retry_config {
    retry_count          = 3
    min_backoff_duration = "30s"
    max_backoff_duration = "600s"
    max_doublings        = 5
  }

  http_target {
    http_method = "POST" # unset, it would differ for ever
    uri         = "${local.dispatch_uri}/"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ feed = each.key }))

    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = local.dispatch_uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.scheduler]
}

resource "google_cloud_scheduler_job" "audit" {
  name             = "lakefill-audit"
  region           = var.region
  description      = "Compares calendar and lake, and asks again for what is due and missing."
  schedule         = var.audit_schedule
  time_zone        = "Etc/UTC"
  paused           = false
  attempt_deadline = "600s"

  retry_config {
    retry_count          = 3
    min_backoff_duration = "30s"
    max_backoff_duration = "600s"
    max_doublings        = 5
  }

  http_target {
    http_method = "POST"
    uri         = "${local.dispatch_uri}/audit"

    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = local.dispatch_uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.scheduler]
}
