# One job a feed that has a schedule; the audit in any case.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id  = "my-project"
  region      = "us-east1"
  bucket_name = "my-lake"
  archive     = "tests/archive.txt"
}

run "packaged_catalogue" {
  command = plan

  assert {
    condition     = keys(google_cloud_scheduler_job.feed) == ["mta-subway-hourly", "mta-turnstile"]
    error_message = "A job for each enabled feed of the packaged catalogue, and for no other."
  }
  assert {
    condition     = google_cloud_scheduler_job.feed["mta-turnstile"].paused
    error_message = "mta-turnstile ended on 2024-02-17: its job is paused."
  }
  assert {
    condition     = google_cloud_scheduler_job.feed["mta-turnstile"].schedule == "0 9 * * 0" && google_cloud_scheduler_job.feed["mta-turnstile"].time_zone == "America/New_York"
    error_message = "The job keeps the feed's hours."
  }
}

run "one_feed" {
  command = plan

  variables {
    catalogue = "tests/catalogues/one.yaml"
  }

  assert {
    condition     = keys(google_cloud_scheduler_job.feed) == ["daily"]
    error_message = "One feed, one job."
  }
  assert {
    condition     = !google_cloud_scheduler_job.feed["daily"].paused && google_cloud_scheduler_job.feed["daily"].time_zone == "UTC"
    error_message = "A feed without last goes on; without time zone it is in UTC."
  }
  assert {
    condition     = jsondecode(base64decode(google_cloud_scheduler_job.feed["daily"].http_target[0].body)) == { feed = "daily" }
    error_message = "The job's body names the feed."
  }
  assert {
    condition     = google_cloud_scheduler_job.feed["daily"].http_target[0].http_method == "POST" && google_cloud_scheduler_job.feed["daily"].attempt_deadline == "600s"
    error_message = "A job posts, and waits for as long as the function may take."
  }
  assert {
    condition     = google_cloud_scheduler_job.audit.schedule == "0 */6 * * *" && !google_cloud_scheduler_job.audit.paused
    error_message = "The audit runs every six hours."
  }
}

run "several_feeds" {
  command = plan

  variables {
    catalogue      = "tests/catalogues/several.yaml"
    audit_schedule = "30 3,15 * * *"
  }

  assert {
    condition = keys(google_cloud_scheduler_job.feed) == [
      "berlin", "ended", "ended-by-hour", "hourly",
      "trips-bare", "trips-green", "trips-old", "trips-plain", "trips-yellow",
      "zones-east",
    ]
    error_message = "No job for a feed without schedule, a disabled feed, or the entry that `each` multiplies."
  }
  assert {
    condition     = [for name, job in google_cloud_scheduler_job.feed : name if job.paused] == ["ended", "ended-by-hour", "trips-old"]
    error_message = "Paused are the feeds whose last period is over, and no others."
  }
  assert {
    condition     = google_cloud_scheduler_job.feed["trips-green"].schedule == "0 7 2 * *" && google_cloud_scheduler_job.feed["trips-yellow"].schedule == "0 6 1 * *"
    error_message = "A value's keys go over the entry's own."
  }
  assert {
    condition     = google_cloud_scheduler_job.feed["trips-yellow"].time_zone == "America/New_York" && google_cloud_scheduler_job.feed["berlin"].time_zone == "Europe/Berlin"
    error_message = "Each job is in its feed's time zone."
  }
  assert {
    condition     = jsondecode(base64decode(google_cloud_scheduler_job.feed["trips-green"].http_target[0].body)) == { feed = "trips-green" }
    error_message = "A feed of `each` is asked for by its own name."
  }
  assert {
    condition     = google_cloud_scheduler_job.audit.schedule == "30 3,15 * * *"
    error_message = "The audit's schedule is a variable."
  }
}
