#pragma once

#include <memory>
#include <string>

#include "tools/cli/fetch.h"

namespace fieldpost::cli {

/// Fetches with libcurl over one kept connection. One thread.
class CurlFetcher final : public Fetcher {
 public:
  /// `token` may be empty.
  CurlFetcher(std::string url, std::string token);
  ~CurlFetcher() override;
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;
  rt::Result<Fetched> fetch(const Fetch& fetch) override;
  [[nodiscard]] const std::string& url() const override { return url_; }

 private:
  struct Handle;
  rt::Result<Fetched> exchange_with(Handle& handle, const Fetch& fetch);
  std::string url_;
  std::string token_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace fieldpost::cli
