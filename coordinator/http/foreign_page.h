#pragma once

#include "proto/rt/http.h"

namespace fieldpost::coordinator {

/// A browser says which page sends a request: in `Origin`, or, of an image or a link, in
/// `Sec-Fetch-Site`. Without users, another site's page must not write here just because the
/// browser can reach us. Other clients send neither.
[[nodiscard]] bool comes_from_another_site(const rt::HttpRequest& request);
/// Answers 403.
void refuse_foreign_page(rt::HttpResponder& responder);

}  // namespace fieldpost::coordinator
