"""Which job runs where and when: pure logic, no input or output, no clock."""
