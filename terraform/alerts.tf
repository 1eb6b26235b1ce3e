# The policies that page. Each says what it means, where to look and which section of the runbook
# has the rest; the heading of that section is the policy's key.

locals {
  # A policy that matches log lines may have no other condition, hence one an event. One
  # notification an hour for each feed; Google's least is five minutes.
  log_alerts = {
    period-failed = {
      filter  = format(local.event_filter, "period_failed")
      title   = "A period failed"
      meaning = "The source or Cloud Storage gave trouble on every delivery; the message is in the dead-letter topic. The audit asks for the period again."
      labels  = { feed = "EXTRACT(jsonPayload.feed)" }
    }
    period-absent = {
      filter  = format(local.event_filter, "period_absent")
      title   = "A period is absent"
      meaning = "The source still has no such file though its grace is over. The audit asks again, after a growing delay."
      labels  = { feed = "EXTRACT(jsonPayload.feed)" }
    }
    period-rejected = {
      filter  = format(local.event_filter, "period_rejected")
      title   = "A period was rejected"
      meaning = "The source answered, but not with the file: a web page, another header, too few or too many bytes. Nothing was stored."
      labels  = { feed = "EXTRACT(jsonPayload.feed)" }
    }
    coverage = {
      filter  = "${format(local.event_filter, "audit_feed")} severity>=ERROR"
      title   = "Coverage has gaps"
      meaning = "The audit found periods that are late, failed or rejected. It repeats this until they are stored, or are known gaps of the catalogue."
      labels  = { feed = "EXTRACT(jsonPayload.feed)" }
    }
    unexpected-error = {
      filter  = format(local.event_filter, "unexpected_error")
      title   = "An unexpected error"
      meaning = "A bug, a missing role or a wrong setting. The line has the stack trace, or the role."
      labels  = { service = "EXTRACT(resource.labels.service_name)" }
    }
    scheduler = {
      filter  = "resource.type=\"cloud_scheduler_job\" resource.labels.job_id=~\"^lakefill-\" log_id(\"cloudscheduler.googleapis.com/executions\") jsonPayload.\"@type\"=\"type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished\" severity>=ERROR"
      title   = "A scheduled call failed"
      meaning = "Cloud Scheduler called dispatch and got an error, or no answer. It tries three times more."
      labels  = { job = "EXTRACT(resource.labels.job_id)" }
    }
  }

  metric_alerts = {
    audit-silent = {
      title   = "The audit is silent"
      meaning = "No audit was done for about 23 hours, so that gaps would go unnoticed."
      filter  = "resource.type=\"cloud_run_revision\" resource.labels.service_name=\"lakefill-dispatch\" severity>=WARNING"
    }
    backlog = {
      title   = "The backlog is stuck"
      meaning = "A message has waited for over ${local.backlog_hours} hours. Either its source is down, or a very large backfill is under way."
      filter  = format(local.event_filter, "period_retry")
    }
    dead-letter = {
      title   = "The dead-letter topic is not empty"
      meaning = "Messages were given up after ${var.max_delivery_attempts} deliveries. They wait there for 31 days; the audit heals what they stood for."
      filter  = format(local.event_filter, "period_failed")
    }
  }

  backlog_hours = 6

  # urlencode writes a space as a form does, which the console's address takes for a plus.
  alert_texts = {
    for key, alert in merge(
      { for key, alert in local.log_alerts : key => { meaning = alert.meaning, filter = alert.filter } },
      { for key, alert in local.metric_alerts : key => { meaning = alert.meaning, filter = alert.filter } },
    ) : key => <<-EOT
      **What it means.** ${alert.meaning}

      **What to look at.** [The lines in Logs Explorer](https://console.cloud.google.com/logs/query;query=${replace(urlencode(alert.filter), "+", "%20")}?project=${var.project_id})

      **What to do.** [The runbook: ${key}](${var.runbook_url}#${key})
    EOT
  }
}

resource "google_monitoring_alert_policy" "log" {
  for_each = local.log_alerts

  display_name          = "lakefill: ${each.value.title}"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = { runbook = each.key }

  conditions {
    display_name = each.value.title

    condition_matched_log {
      filter           = each.value.filter
      label_extractors = each.value.labels
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "lakefill: ${each.value.title}"
    content   = local.alert_texts[each.key]
  }

  depends_on = [google_project_service.this]
}

# Policies on metrics take no rate limit (the API refuses one): an incident notifies when it
# opens and when it closes.

resource "google_monitoring_alert_policy" "dead_letter" {
  display_name          = "lakefill: ${local.metric_alerts.dead-letter.title}"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = { runbook = "dead-letter" }

  conditions {
    display_name = local.metric_alerts.dead-letter.title

    condition_threshold {
      filter          = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" resource.type=\"pubsub_subscription\" resource.label.subscription_id=\"${google_pubsub_subscription.dead_letter.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }

      trigger {
        count = 1
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "lakefill: ${local.metric_alerts.dead-letter.title}"
    content   = local.alert_texts.dead-letter
  }
}

resource "google_monitoring_alert_policy" "backlog" {
  display_name          = "lakefill: ${local.metric_alerts.backlog.title}"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = { runbook = "backlog" }

  conditions {
    display_name = local.metric_alerts.backlog.title

    condition_threshold {
      filter          = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" resource.type=\"pubsub_subscription\" resource.label.subscription_id=\"${google_pubsub_subscription.worker.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = local.backlog_hours * 3600
      duration        = "300s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }

      trigger {
        count = 1
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "lakefill: ${local.metric_alerts.backlog.title}"
    content   = local.alert_texts.backlog
  }
}

# In PromQL, since the other kinds of condition are refused (404) until a log metric that was
# just made has reached Monitoring. It counts, for a counter may write zeros while nothing
# happens, or nothing, which is what the vector is for. It fires after 11 hours in each of which
# the last 12 hours had no audit: 23 hours after the last one, and 11 after a first apply
# without any.
resource "google_monitoring_alert_policy" "audit_silent" {
  display_name          = "lakefill: ${local.metric_alerts.audit-silent.title}"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = { runbook = "audit-silent" }

  conditions {
    display_name = local.metric_alerts.audit-silent.title

    condition_prometheus_query_language {
      query                     = "(sum(increase(logging_googleapis_com:user_${replace(google_logging_metric.audits.name, "/", "_")}{monitored_resource=\"cloud_run_revision\"}[12h])) or vector(0)) < 0.5"
      duration                  = "39600s"
      evaluation_interval       = "300s"
      disable_metric_validation = true
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "lakefill: ${local.metric_alerts.audit-silent.title}"
    content   = local.alert_texts.audit-silent
  }
}
