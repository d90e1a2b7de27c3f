/* The keys of sites and devices. Interface, section 2; Flip: Site, Device. */
#include "config/checks.h"
#include "config/source.h"
#include "util/limits.h"

#include <math.h>

#define AT(member) .at = offsetof(struct f2m_device, member)

static const struct f2m_choice device_types[] = {
    {"BATTERY", F2M_DEVICE_BATTERY}, {"EV_CHARGER", F2M_DEVICE_EV_CHARGER}, {NULL, 0}};

/* A commissioning field. */
#define FIELD(key, member, what, ...)                                                                                  \
    {                                                                                                                  \
        .name = key, .type = F2M_KEY_CUSTOM, .custom = &f2m_custom_field, .kind = F2M_VALUE_##what, AT(member),        \
        __VA_ARGS__                                                                                                    \
    }

static const struct f2m_key device_keys[] = {
    {.name = "id",
     .type = F2M_KEY_TEXT,
     AT(id),
     .required = true,
     .check = f2m_check_id,
     .help = "The device's id at Flip: your own text, unique over all sites.",
     .example = "xyz-123"},
    {.name = "name",
     .type = F2M_KEY_TEXT,
     AT(name),
     .help = "For people. Default: the id.",
     .example = "Garage battery"},
    {.name = "type",
     .type = F2M_KEY_CHOICE,
     AT(type),
     .choices = device_types,
     .fallback = "BATTERY",
     .help = "An `EV_CHARGER` is commissioned, and has no telemetry."},
    {.name = "preset",
     .type = F2M_KEY_CUSTOM,
     .custom = &f2m_custom_preset,
     AT(preset),
     .help = "Fills in what a system speaks: a name, or `{ name: …, <parameter>: … }`. Own keys win over it. Presets "
             "lie in "
             "`presets/` beside the configuration, and many come with the bridge.",
     .example = "solarassistant"},
    FIELD("manufacturer_name", manufacturer_name, TEXT,
          .help = "Needed for commissioning. Like the next six it may be a source instead.", .example = "DeviceMaker"),
    FIELD("product_name", product_name, TEXT, .help = "Needed for commissioning.", .example = "Model 1"),
    FIELD("serial_number", serial_number, TEXT, .help = "Needed for commissioning.", .example = "\"123456789\""),
    FIELD("install_date", install_date, TEXT, .check = f2m_check_date,
          .help = "Needed for commissioning: a date, or a date and time with a zone.", .example = "2022-02-22"),
    FIELD("capacity", capacity_wh, ENERGY, .help = "Energy that the battery holds when full.", .example = "13.5 kWh"),
    FIELD("max_charge", max_charge_w, POWER, .help = "The most that it charges; commands are limited to it.",
          .example = "5 kW"),
    FIELD("max_discharge", max_discharge_w, POWER, .help = "The most that it discharges; commands are limited to it.",
          .example = "5 kW"),
    {.name = "attributes",
     .type = F2M_KEY_CUSTOM,
     .custom = &f2m_custom_attributes,
     AT(attributes),
     .help = "Of an `EV_CHARGER`: an object that Flip gets as it is.",
     .example = "{ connector: J1772 }"},
    {.name = "telemetry",
     .type = F2M_KEY_SECTION,
     .section = &f2m_section_telemetry,
     AT(telemetry),
     .help = "What is measured."},
    {.name = "control",
     .type = F2M_KEY_SECTION,
     .section = &f2m_section_control,
     AT(control),
     .help = "How commands reach the battery."},
};
const struct f2m_section f2m_section_device = {
    .name = "device",
    F2M_KEYS(device_keys),
    .size = sizeof(struct f2m_device),
    .placed = true,
    .place_at = offsetof(struct f2m_device, line),
    .check = f2m_check_device,
    .help = "A battery or a charger.",
};

#undef AT
#define AT(member) .at = offsetof(struct f2m_site, member)

static const struct f2m_key site_keys[] = {
    {.name = "id",
     .type = F2M_KEY_TEXT,
     AT(id),
     .required = true,
     .check = f2m_check_id,
     .help = "The site's id at Flip: your own text.",
     .example = "abc-789"},
    {.name = "timezone",
     .type = F2M_KEY_TEXT,
     AT(timezone),
     .check = f2m_check_timezone,
     .help = "For local times in templates, as in the TZ database. Default: the system's.",
     .example = "America/Los_Angeles"},
    {.name = "commission",
     .type = F2M_KEY_BOOL,
     AT(commission),
     .fallback = "false",
     .help = "Commission the site and its devices at start where Flip does not know them."},
    {.name = "can_auto_enroll",
     .type = F2M_KEY_BOOL,
     AT(can_auto_enroll),
     .fallback = "false",
     .help = "Whether Flip may enroll the site by itself when it is commissioned."},
    {.name = "first_name", .type = F2M_KEY_TEXT, AT(first_name), .help = "The customer's.", .example = "Ann"},
    {.name = "last_name", .type = F2M_KEY_TEXT, AT(last_name), .help = "The customer's.", .example = "Example"},
    {.name = "company_name",
     .type = F2M_KEY_TEXT,
     AT(company_name),
     .help = "Only where the customer is a company.",
     .example = "Example Ltd"},
    {.name = "email",
     .type = F2M_KEY_TEXT,
     AT(email),
     .check = f2m_check_email,
     .help = "The customer's.",
     .example = "ann@example.com"},
    {.name = "state_code",
     .type = F2M_KEY_TEXT,
     AT(state_code),
     .check = f2m_check_state_code,
     .help = "Two letters of a state of the USA, or PR.",
     .example = "CA"},
    {.name = "city", .type = F2M_KEY_TEXT, AT(city), .help = "Part of the address.", .example = "San Diego"},
    {.name = "street_address",
     .type = F2M_KEY_TEXT,
     AT(street_address),
     .help = "Part of the address.",
     .example = "1 Main St"},
    {.name = "street_address2",
     .type = F2M_KEY_TEXT,
     AT(street_address2),
     .help = "Part of the address.",
     .example = "Apt 2"},
    {.name = "zip_code",
     .type = F2M_KEY_TEXT,
     AT(zip_code),
     .help = "Part of the address. Sandbox: 88800, 88801 and 88802 match test programs.",
     .example = "\"88800\""},
    {.name = "service_account_id",
     .type = F2M_KEY_TEXT,
     AT(service_account_id),
     .help = "The utility's id for the customer. Deprecated at Flip.",
     .example = "\"12345\""},
    {.name = "tariff_id", .type = F2M_KEY_TEXT, AT(tariff_id), .help = "The utility's tariff.", .example = "TOU-A"},
    {.name = "devices",
     .type = F2M_KEY_LIST,
     .section = &f2m_section_device,
     AT(devices),
     .len_at = offsetof(struct f2m_site, devices_len),
     .help = "The site's devices."},
};
const struct f2m_section f2m_section_site = {
    .name = "site",
    F2M_KEYS(site_keys),
    .size = sizeof(struct f2m_site),
    .placed = true,
    .place_at = offsetof(struct f2m_site, line),
    .check = f2m_check_site,
    .help = "A home. What Flip's Site may say is optional: Flip asks for the rest later.",
};
