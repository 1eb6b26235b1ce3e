# What the dashboard counts, made of the functions' log lines. A log filter names one event.

locals {
  # Everything here that reads the log finds an event's lines by this.
  event_filter = "resource.type=\"cloud_run_revision\" jsonPayload.event=\"%s\""

  # The outcomes of a period, each logged as period_OUTCOME.
  outcomes = toset(["absent", "failed", "not_yet", "rejected", "retry", "revised", "stored", "unchanged"])
}

resource "google_logging_metric" "periods" {
  for_each = local.outcomes

  name        = "lakefill/periods/${each.key}"
  description = "Periods by feed with the outcome ${each.key}."
  filter      = format(local.event_filter, "period_${each.key}")

  metric_descriptor {
    display_name = "lakefill: periods ${each.key}"
    metric_kind  = "DELTA"
    value_type   = "INT64"
    unit         = "1"

    labels {
      key         = "feed"
      value_type  = "STRING"
      description = "The feed's name."
    }
    labels {
      key         = "reason"
      value_type  = "STRING"
      description = "Why, where the outcome has a reason."
    }
  }

  label_extractors = {
    feed   = "EXTRACT(jsonPayload.feed)"
    reason = "EXTRACT(jsonPayload.reason)"
  }

  depends_on = [google_project_service.this]
}

resource "google_logging_metric" "transfer" {
  for_each = {
    source_bytes = { unit = "By", what = "Bytes from the source", scale = 1024, factor = 2 }
    stored_bytes = { unit = "By", what = "Bytes in the lake", scale = 1024, factor = 2 }
    seconds      = { unit = "s", what = "Seconds of the transfer", scale = 0.05, factor = 1.5 }
  }

  name            = "lakefill/${each.key}"
  description     = "${each.value.what}, of each stored period, by feed."
  filter          = format(local.event_filter, "period_stored")
  value_extractor = "EXTRACT(jsonPayload.${each.key})"

  metric_descriptor {
    display_name = "lakefill: ${lower(each.value.what)}"
    metric_kind  = "DELTA"
    value_type   = "DISTRIBUTION"
    unit         = each.value.unit

    labels {
      key         = "feed"
      value_type  = "STRING"
      description = "The feed's name."
    }
  }

  label_extractors = {
    feed = "EXTRACT(jsonPayload.feed)"
  }

  # From 1 KiB to 4 TiB, and from 0.05 s to 23 min: all that a transfer can take.
  bucket_options {
    exponential_buckets {
      num_finite_buckets = each.value.unit == "By" ? 32 : 25
      growth_factor      = each.value.factor
      scale              = each.value.scale
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_logging_metric" "audits" {
  name        = "lakefill/audits"
  description = "Audits that were done."
  filter      = format(local.event_filter, "audit_done")

  metric_descriptor {
    display_name = "lakefill: audits"
    metric_kind  = "DELTA"
    value_type   = "INT64"
    unit         = "1"
  }

  depends_on = [google_project_service.this]
}
