# Where alerts go.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id  = "my-project"
  region      = "us-east1"
  bucket_name = "my-lake"
  archive     = "tests/archive.txt"
}

run "nobody_is_told" {
  command = plan

  assert {
    condition     = length(google_monitoring_notification_channel.email) == 0 && length(google_monitoring_alert_policy.dead_letter.notification_channels) == 0
    error_message = "Without addresses there is no channel, and the policies stay."
  }
}

run "e_mail" {
  variables {
    alert_emails = ["ops@example.org", "night@example.org"]
  }

  assert {
    condition     = [for channel in google_monitoring_notification_channel.email : channel.labels.email_address] == ["night@example.org", "ops@example.org"]
    error_message = "One channel an address."
  }
  assert {
    condition = alltrue([
      for policy in concat(values(google_monitoring_alert_policy.log), [google_monitoring_alert_policy.audit_silent, google_monitoring_alert_policy.backlog, google_monitoring_alert_policy.dead_letter]) :
      toset(policy.notification_channels) == toset([for channel in google_monitoring_notification_channel.email : channel.id])
    ])
    error_message = "Every policy tells every channel."
  }
}

run "own_channels" {
  command = plan

  variables {
    notification_channels = ["projects/my-project/notificationChannels/123"]
  }

  assert {
    condition = alltrue([
      for policy in concat(values(google_monitoring_alert_policy.log), [google_monitoring_alert_policy.audit_silent, google_monitoring_alert_policy.backlog, google_monitoring_alert_policy.dead_letter]) :
      policy.notification_channels == tolist(["projects/my-project/notificationChannels/123"])
    ])
    error_message = "Every policy tells the channels that are named by id."
  }
}

run "what_every_policy_has" {
  command = plan

  variables {
    runbook_url = "https://wiki.example.org/lakefill"
  }

  assert {
    condition = alltrue([
      for policy in concat(values(google_monitoring_alert_policy.log), [google_monitoring_alert_policy.audit_silent, google_monitoring_alert_policy.backlog, google_monitoring_alert_policy.dead_letter]) :
      strcontains(policy.documentation[0].content, "https://wiki.example.org/lakefill#${policy.user_labels.runbook}")
      && strcontains(policy.documentation[0].content, "https://console.cloud.google.com/logs/query;query=resource.type%3D%22")
      && policy.alert_strategy[0].auto_close == "86400s"
    ])
    error_message = "Every policy says what to look at and what to do, and closes by itself."
  }
  assert {
    condition = alltrue([
      for policy in google_monitoring_alert_policy.log :
      length(policy.conditions) == 1 && tonumber(trimsuffix(policy.alert_strategy[0].notification_rate_limit[0].period, "s")) >= 300
    ])
    error_message = "A policy on log lines has one condition, and a rate limit of five minutes or more."
  }
  assert {
    condition = alltrue([
      for policy in [google_monitoring_alert_policy.audit_silent, google_monitoring_alert_policy.backlog, google_monitoring_alert_policy.dead_letter] :
      length(policy.alert_strategy[0].notification_rate_limit) == 0
    ])
    error_message = "The API refuses a rate limit on metrics."
  }
}
