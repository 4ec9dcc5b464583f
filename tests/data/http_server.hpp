// A web server for one test: answers GET on 127.0.0.1 from a table, with or without ranges, and remembers the requests.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace mneme::test {

class HttpServer {
 public:
  struct Page {
    std::string body;
    bool ranges = true;         // honours "Range: bytes=N-"
    std::size_t cut_after = 0;  // > 0: the connection breaks after so many bytes of the body
  };

  explicit HttpServer(std::map<std::string, Page> pages) : pages_(std::move(pages)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 8) != 0 ||
        getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("no local port");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  HttpServer(HttpServer const&) = delete;
  HttpServer& operator=(HttpServer const&) = delete;

  [[nodiscard]] std::string url(std::string const& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

  /// The head of every request so far.
  [[nodiscard]] std::vector<std::string> requests() {
    std::lock_guard const lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    for (int client; (client = accept(listener_, nullptr, nullptr)) >= 0; close(client)) {
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        auto const got = recv(client, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
      }
      {
        std::lock_guard const lock(mutex_);
        requests_.push_back(request);
      }
      std::string const reply = answer(request);
      for (std::size_t sent = 0; sent < reply.size();) {
        auto const part = send(client, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
        if (part <= 0) break;
        sent += static_cast<std::size_t>(part);
      }
      shutdown(client, SHUT_RDWR);
    }
  }

  [[nodiscard]] std::string answer(std::string const& request) const {
    std::string const path = request.substr(4, request.find(' ', 4) - 4);
    auto const found = pages_.find(path);
    std::string const close = "Connection: close\r\n";
    if (found == pages_.end()) return "HTTP/1.1 404 Not Found\r\n" + close + "Content-Length: 0\r\n\r\n";
    Page const& page = found->second;
    std::size_t begin = 0;
    std::string status = "200 OK";
    std::string range;
    if (auto const at = request.find("Range: bytes="); page.ranges && at != std::string::npos) {
      begin = std::stoul(request.substr(at + 13));
      if (begin >= page.body.size()) return "HTTP/1.1 416 Range\r\n" + close + "Content-Length: 0\r\n\r\n";
      status = "206 Partial Content";
      range = "Content-Range: bytes " + std::to_string(begin) + "-" + std::to_string(page.body.size() - 1) + "/" +
              std::to_string(page.body.size()) + "\r\n";
    }
    std::string body = page.body.substr(begin);
    std::string const head =
        "HTTP/1.1 " + status + "\r\n" + close + range + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    if (page.cut_after > 0) body.resize(std::min(body.size(), page.cut_after));
    return head + body;
  }

  std::map<std::string, Page> pages_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace mneme::test
