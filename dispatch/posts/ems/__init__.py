"""China Post/EMS, 协议客户 API 开放平台 (CARRIERS §1)."""
