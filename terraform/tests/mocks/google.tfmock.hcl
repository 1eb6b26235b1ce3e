# What the provider itself checks the form of; anything else computed may be any text.

mock_data "google_project" {
  defaults = {
    number = "123456789012"
  }
}

mock_data "google_storage_project_service_account" {
  defaults = {
    email_address = "service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
    member        = "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
  }
}

mock_resource "google_service_account" {
  defaults = {
    email  = "lakefill@my-project.iam.gserviceaccount.com"
    id     = "projects/my-project/serviceAccounts/lakefill@my-project.iam.gserviceaccount.com"
    member = "serviceAccount:lakefill@my-project.iam.gserviceaccount.com"
  }
}
