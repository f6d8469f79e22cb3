/* A client of XML-RPC on xmlrpc-c: client URL */
#include <stdio.h>
#include <string.h>
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/client.h>

static const char *url;

static xmlrpc_value *call(xmlrpc_env *env, const char *method, xmlrpc_value *params) {
    xmlrpc_server_info *to = xmlrpc_server_info_new(env, url);
    xmlrpc_value *result = NULL;
    if (!env->fault_occurred) {
        result = xmlrpc_client_call_server_params(env, to, method, params);
        xmlrpc_server_info_free(to);
    }
    return result;
}

static void must(const xmlrpc_env *env, const char *what) {
    if (env->fault_occurred) {
        printf("%s failed %d %s\n", what, env->fault_code, env->fault_string);
        fflush(stdout);
    }
}

static void note(const char *name, xmlrpc_value *value) {
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    call(&env, "test.note", xmlrpc_build_value(&env, "(sV)", name, value));
    must(&env, name);
    xmlrpc_env_clean(&env);
}

int main(int argc, char **argv) {
    xmlrpc_env env;
    xmlrpc_bool same = 0;
    const char *names[] = {"fault", "none"};
    if (argc < 2) return 2;
    url = argv[argc - 1];
    xmlrpc_env_init(&env);
    xmlrpc_client_init2(&env, XMLRPC_CLIENT_NO_FLAGS, "peer", "1", NULL, 0);
    must(&env, "init");
    xmlrpc_value *none = xmlrpc_array_new(&env);
    xmlrpc_value *types = call(&env, "test.types", none);
    must(&env, "types");
    if (env.fault_occurred) return 1;
    xmlrpc_value *answer = call(&env, "test.same", xmlrpc_build_value(&env, "(V)", types));
    must(&env, "same");
    if (env.fault_occurred) return 1;
    xmlrpc_read_bool(&env, answer, &same);
    printf("same %d\n", same ? 1 : 0);
    note("zeros", xmlrpc_string_new(&env, "007"));
    note("latin", xmlrpc_string_new(&env, "caf\xc3\xa9"));
    note("long", xmlrpc_i8_new(&env, 3000000000LL));
    note("nil", xmlrpc_nil_new(&env));
    for (int i = 0; i < 2; i++) {
        char method[32];
        snprintf(method, sizeof method, "test.%s", names[i]);
        xmlrpc_env f;
        xmlrpc_env_init(&f);
        call(&f, method, none);
        if (f.fault_occurred) printf("%s %d %s\n", names[i], f.fault_code, f.fault_string);
        xmlrpc_env_clean(&f);
    }
    answer = call(&env, "system.listMethods", none);
    printf("methods %s\n", !env.fault_occurred && xmlrpc_array_size(&env, answer) > 5 ? "True" : "False");
    return 0;
}
