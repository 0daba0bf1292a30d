#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace registry_exporter::testing {

/// A key with its certificate, made on the spot.
class Certificate {
 public:
  struct Wanted {
    std::string common_name = "localhost";
    std::string names = "DNS:localhost,IP:127.0.0.1";  ///< subjectAltName; "": none.
    bool is_authority = false;
    long days_valid = 1;  ///< Negative: expired.
  };
  /// Signed by `issuer`, or by itself.
  explicit Certificate(const Wanted& wanted, const Certificate* issuer = nullptr)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), x509_(X509_new(), X509_free) {
    static long serial = 1;
    X509* x509 = x509_.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
    constexpr long kDay = 86'400;
    X509_gmtime_adj(X509_getm_notBefore(x509), -10 * kDay);
    X509_gmtime_adj(X509_getm_notAfter(x509), wanted.days_valid * kDay);
    X509_set_pubkey(x509, key_.get());
    X509_NAME* subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wanted.common_name.c_str()),
                               -1, -1, 0);
    X509_set_issuer_name(x509, issuer == nullptr ? subject : X509_get_subject_name(issuer->x509()));
    extend(NID_basic_constraints, wanted.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!wanted.names.empty()) extend(NID_subject_alt_name, wanted.names);
    X509_sign(x509, issuer == nullptr ? key_.get() : issuer->key(), EVP_sha256());
  }

  X509* x509() const { return x509_.get(); }
  EVP_PKEY* key() const { return key_.get(); }
  std::string certificate_pem() const {
    return pem([this](BIO* bio) { PEM_write_bio_X509(bio, x509()); });
  }
  std::string key_pem() const {
    return pem([this](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

 private:
  void extend(int what, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    X509_add_ext(x509(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class Write>
  static std::string pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    write(bio.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> x509_;
};

/// A file with the given content that goes with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    std::string name = (std::filesystem::temp_directory_path() / "net_test_XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    if (descriptor >= 0) ::close(descriptor);
    path_ = name;
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace registry_exporter::testing
