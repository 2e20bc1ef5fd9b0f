#include "proto/mapping/found_object.h"

#include <fmt/format.h>

namespace fieldpost::mapping {

std::vector<const JsonField*> add_found(const JsonMapping& mapping, FoundObject object,
                                        rt::UnixTime now, ReadingsBuilder& builder) {
  std::vector<const JsonField*> left_out;
  for (auto& [field, value] : object.fields) {
    wire::SeriesKey key{mapping.measurement, object.tags, field->name, value.type, field->unit};
    const bool is_added = object.time ? builder.add(std::move(key), *object.time, std::move(value))
                                      : builder.add_stamped(std::move(key), now, std::move(value));
    if (!is_added) left_out.push_back(field);
  }
  return left_out;
}

rt::Status add_all_found(const JsonMapping& mapping, FoundObject object, rt::UnixTime now,
                         ReadingsBuilder& builder) {
  const auto left_out = add_found(mapping, std::move(object), now, builder);
  if (left_out.empty()) return rt::ok();
  return rt::Error{rt::Errc::kInvalid,
                   fmt::format("field {} cannot be stored: its number is not finite, its text too "
                               "long or not UTF-8, or a tag empty or repeated",
                               left_out.front()->name)};
}

}  // namespace fieldpost::mapping
