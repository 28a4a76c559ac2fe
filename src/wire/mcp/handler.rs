//! The protocol's requests, answered from a desk.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams, GetPromptResponse,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
    ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;

use super::{prompts, resources};
use crate::tools::desk::Listed;
use crate::tools::library::INSTRUCTIONS;
use crate::tools::{Caller, Desk, Kind, Wrong};

/// Answers clients; a copy serves each of them.
#[derive(Clone)]
pub struct Handler {
    desk: Arc<Desk>,
    tools: Arc<Vec<Tool>>,
    /// Who calls where no token says so.
    by: Caller,
}

impl Handler {
    /// A handler over a desk, for callers who are known by a token, or else by this name.
    pub fn new(desk: Arc<Desk>, by: Caller) -> Handler {
        let tools = desk.list().into_iter().map(as_tool).collect();
        Handler { desk, tools: Arc::new(tools), by }
    }

    /// Who calls: over HTTP the guard has put it beside the request.
    fn caller(&self, context: &RequestContext<RoleServer>) -> Caller {
        let parts = context.extensions.get::<axum::http::request::Parts>();
        parts.and_then(|parts| parts.extensions.get::<Caller>()).unwrap_or(&self.by).clone()
    }

    /// Does what may take long on a thread where it holds up nobody.
    async fn at_the_desk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Desk) -> T + Send + 'static,
    ) -> Result<T, ErrorData> {
        let desk = Arc::clone(&self.desk);
        let done = tokio::task::spawn_blocking(move || work(&desk)).await;
        // What went wrong is on the server's own error output; it is none of a client's business.
        done.map_err(|_| {
            ErrorData::internal_error("this call was dropped: what was acknowledged before stands, call again", None)
        })
    }
}

fn as_tool(listed: Listed) -> Tool {
    let hints = ToolAnnotations::with_title(listed.title)
        .read_only(listed.kind == Kind::Reads)
        .destructive(listed.kind == Kind::Acts)
        .open_world(false);
    Tool::new(listed.name, listed.about, listed.input)
        .with_title(listed.title)
        .with_raw_output_schema(Arc::new(listed.output))
        .with_annotations(hints)
}

/// An answer, as structure and as the same in text for clients that know no structure.
fn answered(told: Result<Value, Wrong>) -> CallToolResult {
    match told {
        Ok(value) => CallToolResult::structured(value),
        Err(why) => CallToolResult::error(vec![ContentBlock::text(why.to_string())]),
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("scartissue", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = self.caller(&context);
        let (name, arguments) = (request.name.to_string(), request.arguments.unwrap_or_default());
        if !self.desk.has(&name) {
            return Err(ErrorData::invalid_params(self.desk.unknown(&name).to_string(), None));
        }
        let told = self.at_the_desk(move |desk| desk.call(&caller, &name, arguments)).await?;
        Ok(answered(told).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::list()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates(&self.desk)))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = self.caller(&context);
        let read = self.at_the_desk(move |desk| resources::read(desk, &caller, &request.uri)).await?;
        read.map(Into::into).map_err(|why| ErrorData::resource_not_found(why.to_string(), None))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let read = prompts::get(&request.name, &request.arguments.unwrap_or_default());
        read.map(Into::into).map_err(|why| ErrorData::invalid_params(why.to_string(), None))
    }
}
